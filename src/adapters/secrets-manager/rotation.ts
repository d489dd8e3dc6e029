import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { newKey } from '../../domain/api-keys.ts'
import { AppError } from '../../domain/errors.ts'
import type { Clock } from '../../util/time.ts'
import {
  type KeyDocument,
  type KeyJson,
  type KeyVersions,
  keyVersions,
  keyVersionsReader,
} from './api-key-document.ts'
import { missingSecret, textOf } from './api-key-edit.ts'
import { CURRENT, PENDING, type SecretCalls, secretCalls } from './secret.ts'

/** Least time between creating a key and making it the current one: twice what servers take to read it. */
export const ROTATION_PAUSE_MS = 60_000
/** Timers may fire so much too early by the clock. */
const TIMER_TOLERANCE_MS = 5
const MAX_ATTEMPTS = 5

/** What the steps of a rotation work with. */
export interface RotationOptions {
  calls: SecretCalls
  read: () => Promise<KeyVersions | undefined>
  stage: string
  clock: Clock
  /** How long every process gets to read the new key before it becomes the current one. */
  pauseMs: number
}

/**
 * Replaces the key that rotates, by all steps at once. Continues a pending rotation if there is one.
 *
 * @param report called with sentences about what is done and waited for.
 * @returns the new current document.
 * @throws AppError `conflict` when the keys are changed meanwhile.
 * @example await rotateKey({ calls, read, stage: 'dev', clock, pauseMs: ROTATION_PAUSE_MS }, (sentence) => log.info(sentence))
 */
export async function rotateKey(
  rotation: RotationOptions,
  report: (sentence: string) => void,
): Promise<KeyDocument> {
  const token = (await continuePending(rotation, report)) ?? (await beginRotation(rotation, report))
  const { pending, createdAt } = await checkedPending(rotation, token)
  const waitMs = remainingPause(createdAt, rotation)
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000)
    report(`Waiting ${seconds} s until every server knows it. If interrupted, the same command goes on.`)
  }
  await finishSecret(rotation, token, rotation.pauseMs)
  return pending
}

async function continuePending(
  rotation: RotationOptions,
  report: (sentence: string) => void,
): Promise<string | undefined> {
  const token = (await readCurrent(rotation)).versions.pending
  if (token === undefined) return undefined
  try {
    await createSecret(rotation, token)
  } catch (error) {
    // Its keys were out of date, and now it is cancelled.
    if (error instanceof AppError && error.code === 'conflict') return undefined
    throw error
  }
  report('Going on with the rotation that is pending.')
  return token
}

async function beginRotation(rotation: RotationOptions, report: (sentence: string) => void): Promise<string> {
  const token = randomUUID()
  await createSecret(rotation, token)
  report('Created a new key.')
  return token
}

/** What Secrets Manager asks of a function that rotates: one step for one version. */
export interface RotationEvent {
  Step: string
  /** ARN or name. */
  SecretId: string
  /** The id of the version that is to become the current one. */
  ClientRequestToken: string
}

export interface StepOptions {
  stage: string
  clock: Clock
  /** How long a step may wait for servers to read the new key, in milliseconds. */
  mostMs: number
  /** Default: {@link ROTATION_PAUSE_MS}. */
  pauseMs?: number
}

/**
 * The steps of a rotation, as Secrets Manager calls for them. Each may be repeated at any point, and fails with AppError
 * `conflict` when the rotation was cancelled, for example by a change of the keys.
 */
const STEPS = new Map<string, (rotation: RotationOptions, token: string, mostMs: number) => Promise<unknown>>(
  [
    ['createSecret', createSecret],
    // Nothing to set: no other system keeps the key. Servers read it from this secret, also while it is pending.
    ['setSecret', async () => {}],
    ['testSecret', checkedPending],
    ['finishSecret', finishSecret],
  ],
)

/**
 * Runs one step of a rotation, if it is one that Secrets Manager has begun.
 *
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
  const run = STEPS.get(step)
  if (!run) throw new AppError('invalid_input', `There is no step "${step}" in a rotation.`)

  const secret = await calls.describe()
  if (secret?.rotates === false) throw nothingToRotate(`rotation is not enabled for ${calls.resource}`)
  const labels = secret?.labels[token]
  if (!labels) throw nothingToRotate(`${calls.resource} has no version ${token}`)
  const isCurrent = labels.includes(CURRENT)
  // The rotation has ended, except for what the last step does after making the version current.
  if (isCurrent && step !== 'finishSecret') return
  if (!isCurrent && !labels.includes(PENDING)) {
    throw nothingToRotate(`version ${token} of ${calls.resource} is not AWSPENDING`)
  }
  await run({ calls, read, stage, clock, pauseMs }, token, mostMs)
}

/** Adds the version `token` with a new key, under AWSPENDING. */
async function createSecret(rotation: RotationOptions, token: string): Promise<void> {
  const { versions, document } = await readCurrent(rotation)
  // A token stands for one text for ever, so a version that an earlier attempt has added is used as it is. So is the
  // version of another process that runs the same step and is faster.
  if (!versions.hasText(token)) {
    const json = nextJson(document.json, rotation.stage, rotation.clock())
    await rotation.calls.put(token, textOf(json), PENDING)
  }
  await checkedPending(rotation, token)
}

/**
 * Makes the pending version the current one.
 *
 * @param mostMs how long it may wait.
 * @throws AppError `unavailable` when the new key is too young and that is not long enough.
 */
async function finishSecret(rotation: RotationOptions, token: string, mostMs: number): Promise<void> {
  if ((await readCurrent(rotation)).current !== token) {
    const { createdAt } = await checkedPending(rotation, token)
    const waitMs = remainingPause(createdAt, rotation)
    if (waitMs > mostMs) throw tooYoung(waitMs)
    if (waitMs > 0) await delay(waitMs + TIMER_TOLERANCE_MS)
    await makeCurrent(rotation, token)
  }
  // Otherwise the next version would leave the label on this one, where it looks like another rotation.
  await rotation.calls.move(PENDING, undefined, token)
}

/** Moves AWSCURRENT. Refused when the current version has changed: then the pending one is checked again. */
async function makeCurrent(rotation: RotationOptions, token: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { current } = await checkedPending(rotation, token)
    if (await rotation.calls.move(CURRENT, token, current)) return
    // Done by an attempt whose answer was lost.
    if ((await readCurrent(rotation)).current === token) return
  }
  throw cancelled()
}

/** The versions with the current document, which every step is about. */
async function readCurrent({ calls, read }: RotationOptions) {
  const versions = await read()
  if (versions?.current === undefined) throw missingSecret(calls)
  const document = versions.document(versions.current)
  if (!document) throw invalid(calls, 'AWSCURRENT is no JSON object. Fix it first')
  return { versions, current: versions.current, document }
}

/** The version that `token` is to make current, if it may become so. */
async function checkedPending(rotation: RotationOptions, token: string) {
  const { calls } = rotation
  const { versions, current, document } = await readCurrent(rotation)
  if (versions.pending !== token) throw cancelled()
  const pending = versions.document(token)
  if (pending?.apiKey === undefined || pending.createdAt === undefined) {
    const what = `AWSPENDING is no sound value. Remove that label from version ${token}, and rotate again`
    throw invalid(calls, what)
  }
  if (pending.apiKey === document.apiKey) throw invalid(calls, 'AWSPENDING holds no new key')
  // The keys may have been changed since they were carried over. A revoked one must not come back, not even as pending,
  // and a new one must not get lost.
  if (!isDeepStrictEqual(keysIn(document), keysIn(pending))) {
    await calls.move(PENDING, undefined, token)
    throw cancelled()
  }
  return { current, pending, createdAt: pending.createdAt }
}

function keysIn({ json }: KeyDocument): unknown {
  return json['keys'] ?? []
}

/**
 * How long a new key must still stay pending, in milliseconds; negative when it need not. Never more than the whole
 * pause, whatever the clock of another machine has said.
 */
export function remainingPause(
  createdAt: string,
  { clock, pauseMs }: Pick<RotationOptions, 'clock' | 'pauseMs'>,
): number {
  return Math.min(pauseMs, Date.parse(createdAt) + pauseMs - clock().getTime())
}

/** The next document: a new key and a new version, all else as it is, `keys` too. */
export function nextJson(json: KeyJson, stage: string, now: Date): KeyJson {
  return {
    ...json,
    api_key: newKey(stage),
    created_at: now.toISOString(),
    version: nextVersion(json['version']),
  }
}

/** `v1` → `v2`, 7 → 8, `1.9` → `1.10`; a text without a number at its end gets one. */
export function nextVersion(version: unknown): unknown {
  if (typeof version === 'number') return version + 1
  if (typeof version !== 'string') return 'v2'
  const [, text = '', digits] = /^(.*?)(\d*)$/s.exec(version) ?? []
  return digits ? `${text}${BigInt(digits) + 1n}` : `${text}-2`
}

function invalid({ resource }: SecretCalls, what: string): AppError {
  return new AppError('unavailable', 'The secret is invalid.', {
    operatorMessage: `${resource} is invalid: ${what}.`,
  })
}

function cancelled(): AppError {
  const message = 'The rotation was called off: the keys were changed meanwhile. Rotate again.'
  return new AppError('conflict', message)
}

function tooYoung(waitMs: number): AppError {
  const seconds = Math.ceil(waitMs / 1000)
  const message = `The new key is too young: not every server may know it before ${seconds} s have passed.`
  return new AppError('unavailable', message, { retryAfter: seconds })
}

function nothingToRotate(what: string): AppError {
  return new AppError('conflict', `Nothing to rotate: ${what}.`)
}
