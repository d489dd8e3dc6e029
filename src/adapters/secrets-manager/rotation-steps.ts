import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import { keyVersions, keyVersionsReader } from './key-versions.ts'
import { keyRotation, ROTATION_PAUSE_MS } from './rotation.ts'
import { CURRENT, PENDING, secretCalls } from './secret-calls.ts'

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
