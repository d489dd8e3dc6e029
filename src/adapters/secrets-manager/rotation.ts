import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { newKey } from '../../domain/api-keys.ts'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import {
  type KeyJson,
  type KeyValue,
  type KeyVersions,
  keyVersions,
  keyVersionsReader,
} from './api-key-document.ts'
import { missing, textOf } from './api-key-edit.ts'
import { CURRENT, PENDING, type SecretCalls, secretCalls } from './secret.ts'

/** Least time between creating a key and making it the current one: twice what servers take to learn of it. */
export const ROTATION_PAUSE_MS = 60_000
/** Timers may come so much too early by the clock. */
const TIMER_MS = 5
const MAX_TRIES = 5

/**
 * The four steps of a rotation, as Secrets Manager asks for them. Each may be repeated at any point, and fails with
 * AppError `conflict` when the rotation was called off, by a change of the keys for example.
 *
 * `token` is the id of the version that is to become the current one.
 */
export interface Rotation {
  createSecret(token: string): Promise<void>
  setSecret(): Promise<void>
  testSecret(token: string): Promise<void>
  /**
   * @param mostMs how long it may wait.
   * @throws AppError `unavailable` when the new key is too young and that is not long enough.
   */
  finishSecret(token: string, mostMs: number): Promise<void>

  /** All steps, of a pending rotation if there is one. @returns the new current value. */
  run(tell: (sentence: string) => void): Promise<KeyValue>
}

export interface RotationOptions {
  calls: SecretCalls
  read: () => Promise<KeyVersions | undefined>
  stage: string
  clock: Clock
  pauseMs: number
}

export function keyRotation({ calls, read, stage, clock, pauseMs }: RotationOptions): Rotation {
  /** The versions with the current value, which every step is about. */
  async function look() {
    const versions = await read()
    if (versions?.current === undefined) throw missing(calls)
    const value = versions.value(versions.current)
    if (!value) throw broken('AWSCURRENT is no JSON object. Fix it first')
    return { versions, current: versions.current, value }
  }

  /** The version that `token` is to make current, if nothing stands against that. */
  async function soundPending(token: string) {
    const { versions, current, value } = await look()
    if (versions.pending !== token) throw calledOff()
    const pending = versions.value(token)
    if (pending?.apiKey === undefined || pending.createdAt === undefined) {
      throw broken(`AWSPENDING is no sound value. Remove that label from version ${token}, and rotate again`)
    }
    if (pending.apiKey === value.apiKey) throw broken('AWSPENDING holds no new key')
    // The keys may have been changed since they were carried over. A revoked one must not come back, not even as
    // pending, and a new one must not get lost.
    if (!isDeepStrictEqual(keysIn(value), keysIn(pending))) {
      await calls.move(PENDING, undefined, token)
      throw calledOff()
    }
    return { current, pending, createdAt: pending.createdAt }
  }

  async function createSecret(token: string): Promise<void> {
    const { versions, value } = await look()
    // A token stands for one text for ever: what an earlier try has made is taken as it is. If somebody else runs the
    // same step and is faster, so is theirs.
    if (!versions.hasText(token)) {
      await calls.put(token, textOf(nextJson(value.json, stage, clock())), PENDING)
    }
    await soundPending(token)
  }

  async function setSecret(): Promise<void> {
    // Nothing to set: no other system keeps the key. Servers read it from this secret, also while it is pending.
  }

  async function finishSecret(token: string, mostMs: number): Promise<void> {
    if ((await look()).current !== token) {
      const { createdAt } = await soundPending(token)
      const waitMs = remainingMs(createdAt)
      if (waitMs > mostMs) throw tooYoung(waitMs)
      if (waitMs > 0) await delay(waitMs + TIMER_MS)
      await makeCurrent(token)
    }
    // Else the next version would leave it behind on this one, where it looks like another rotation.
    await calls.move(PENDING, undefined, token)
  }

  /** Refused when the current version has changed: what is pending is judged anew then. */
  async function makeCurrent(token: string): Promise<void> {
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const { current } = await soundPending(token)
      if (await calls.move(CURRENT, token, current)) return
      // Done by a try whose answer was lost.
      if ((await look()).current === token) return
    }
    throw calledOff()
  }

  /** Never more than the whole pause, whatever another machine's clock has said. */
  function remainingMs(createdAt: string): number {
    return Math.min(pauseMs, Date.parse(createdAt) + pauseMs - clock().getTime())
  }

  async function run(tell: (sentence: string) => void): Promise<KeyValue> {
    const { versions } = await look()
    let token = versions.pending
    if (token !== undefined) {
      try {
        await createSecret(token)
        tell('Going on with the rotation that is pending.')
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'conflict') throw error
        // Its keys were out of date, and now it is called off.
        token = undefined
      }
    }
    if (token === undefined) {
      token = randomUUID()
      await createSecret(token)
      tell('Created a new key.')
    }
    await setSecret()
    const { pending, createdAt } = await soundPending(token)
    const waitMs = remainingMs(createdAt)
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000)
      tell(`Waiting ${seconds} s until every server knows it. If interrupted, the same command goes on.`)
    }
    await finishSecret(token, pauseMs)
    return pending
  }

  return {
    createSecret,
    setSecret,
    testSecret: async (token) => void (await soundPending(token)),
    finishSecret,
    run,
  }

  function broken(what: string): AppError {
    return new AppError('unavailable', 'The secret is invalid.', {
      operatorMessage: `${calls.resource} is invalid: ${what}.`,
    })
  }

  function calledOff(): AppError {
    const message = 'The rotation was called off: the keys were changed meanwhile. Rotate again.'
    return new AppError('conflict', message)
  }
}

function tooYoung(waitMs: number): AppError {
  const seconds = Math.ceil(waitMs / 1000)
  const message = `The new key is too young: not every server may know it before ${seconds} s have passed.`
  return new AppError('unavailable', message, { retryAfter: seconds })
}

/** The next value: a new key and a new version, all else as it is, `keys` too. */
function nextJson(json: KeyJson, stage: string, now: Date): KeyJson {
  return {
    ...json,
    api_key: newKey(stage),
    created_at: now.toISOString(),
    version: nextVersion(json['version']),
  }
}

/** `v1` → `v2`, 7 → 8, `1.9` → `1.10`; whatever has no number at its end gets one. */
export function nextVersion(version: unknown): unknown {
  if (typeof version === 'number') return version + 1
  if (typeof version !== 'string') return 'v2'
  const [, text = '', digits] = /^(.*?)(\d*)$/s.exec(version) ?? []
  return digits ? `${text}${BigInt(digits) + 1n}` : `${text}-2`
}

function keysIn({ json }: KeyValue): unknown {
  return json['keys'] ?? []
}

/** What Secrets Manager asks of a function that rotates: one step for one version. */
export interface RotationEvent {
  Step: string
  /** ARN or name. */
  SecretId: string
  /** The id of the version that is to become the current one. */
  ClientRequestToken: string
}

/**
 * Runs one step of a rotation, if it is one that Secrets Manager has begun.
 *
 * @param mostMs how long it may wait for servers to learn of the new key.
 * @throws AppError, which makes Secrets Manager try again later.
 */
export async function runRotationStep(
  client: SecretsManagerClient,
  { Step: step, SecretId, ClientRequestToken: token }: RotationEvent,
  { stage, clock, mostMs, pauseMs = ROTATION_PAUSE_MS }: StepOptions,
): Promise<void> {
  const calls = secretCalls(client, SecretId, 'PROMPTS_API_KEY_SECRET')
  const readVersions = keyVersionsReader(calls)
  const read = async () => {
    const versions = await readVersions()
    return versions && keyVersions(versions)
  }
  const rotation = keyRotation({ calls, read, stage, clock, pauseMs })
  const steps = new Map([
    ['createSecret', () => rotation.createSecret(token)],
    ['setSecret', () => rotation.setSecret()],
    ['testSecret', () => rotation.testSecret(token)],
    ['finishSecret', () => rotation.finishSecret(token, mostMs)],
  ])
  const run = steps.get(step)
  if (!run) throw new AppError('invalid_input', `There is no step "${step}" in a rotation.`)

  const found = await calls.describe()
  if (found?.rotates === false) throw refusal(`rotation is not enabled for ${calls.resource}`)
  const labels = found?.labels[token]
  if (!labels) throw refusal(`${calls.resource} has no version ${token}`)
  if (labels.includes(CURRENT)) {
    // All is done, but perhaps for what follows the last step's instant.
    if (step === 'finishSecret') await run()
    return
  }
  if (!labels.includes(PENDING)) throw refusal(`version ${token} of ${calls.resource} is not AWSPENDING`)
  await run()
}

export interface StepOptions {
  stage: string
  clock: Clock
  mostMs: number
  pauseMs?: number
}

function refusal(what: string): AppError {
  return new AppError('conflict', `Nothing to rotate: ${what}.`)
}
