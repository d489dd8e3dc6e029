import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import { pauseBefore } from '../aws/calls.ts'
import { type Edit, editIn, type KeyJson, type KeyVersions, newEdit } from './api-key-document.ts'
import { CURRENT, holderOf, PENDING, PREVIOUS, type SecretCalls } from './secret.ts'
import { howToCreate } from './secret-cache.ts'

/** Writers that keep getting in each other's way pause at random, so that a few tries are enough for many. */
const MAX_TRIES = 24
/** What Secrets Manager takes for one version. */
const MAX_BYTES = 65_536

/** What an edit comes to, and what is to become of the secret for that; no `next`: nothing is left to do. */
export interface Change<T> {
  result: T
  next?: NextVersion | undefined
}

interface NextVersion {
  json: KeyJson
  /** The version that is to bear AWSPREVIOUS; `undefined`: none. */
  previous: string | undefined
  /** Whether a pending rotation, which carries the keys of before, must not come through. */
  callsOff: boolean
}

/**
 * Makes a new current version.
 *
 * Secrets Manager has no conditional write, but it moves AWSCURRENT only from the version that bears it. So: add a
 * version under a label of our own, then move AWSCURRENT to it from the version that was read; whoever comes second
 * is refused and starts over.
 *
 * @param change told of the versions at every try. They may already hold its own work: an answer can get lost.
 * @throws AppError `conflict` when others keep changing the secret, and what `change` throws.
 */
export async function editKeys<T>(
  calls: SecretCalls,
  read: () => Promise<KeyVersions | undefined>,
  change: (versions: KeyVersions) => Change<T>,
): Promise<T> {
  let failure: unknown
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if (attempt > 0) await delay(pauseBefore(attempt))
    const versions = await read()
    if (versions?.current === undefined) throw missing(calls)
    await dropLostDrafts(calls, versions)
    const { current, unfinished } = versions
    const { result, next } = change(versions)
    if (!next) {
      if (unfinished) await complete(calls, current, unfinished, true)
      return result
    }
    if (failure !== undefined) throw failure

    const id = randomUUID()
    const edit = newEdit(current, next.previous, id)
    await calls.put(id, textOf(next.json), edit.label)
    const isMoved = await calls.move(CURRENT, id, current).catch((error) => {
      // Perhaps it was done all the same: the next look shows.
      failure = error
      return false
    })
    if (isMoved) {
      await complete(calls, id, edit, next.callsOff)
      if (unfinished) await calls.move(unfinished.label, undefined, current).catch(() => false)
      return result
    }
  }
  throw new AppError('conflict', 'Others keep changing the keys; try again.')
}

/**
 * What is left to do once an edit is the current version. It counts already, for the label tells readers of it, so a
 * failure is no failure of the edit: the next edit needs none of this, or does it.
 */
async function complete(
  calls: SecretCalls,
  id: string,
  { label, base, previous }: Edit,
  callsOff: boolean,
): Promise<void> {
  try {
    // Refused if somebody else has done it, or has made a newer version meanwhile: right in both cases.
    await calls.move(PREVIOUS, previous, base)
    if (callsOff) await callOff(calls, id)
    await calls.move(label, undefined, id)
  } catch {
    return
  }
}

async function callOff(calls: SecretCalls, current: string): Promise<void> {
  const pending = holderOf((await calls.describe())?.labels ?? {}, PENDING)
  if (pending !== undefined && pending !== current) await calls.move(PENDING, undefined, pending)
}

/** A secret takes 20 labels: those of drafts that can never become current are removed, whoever left them. */
async function dropLostDrafts(calls: SecretCalls, { labels, current }: KeyVersions): Promise<void> {
  const lost = Object.entries(labels).flatMap(([id, labels]) => {
    const edit = editIn(labels)
    return edit && id !== current && edit.base !== current ? [{ id, edit }] : []
  })
  const drops = lost.map(({ id, edit }) => calls.move(edit.label, undefined, id).catch(() => false))
  await Promise.all(drops)
}

/** @throws AppError `too_large` for more than a version holds. */
export function textOf(json: KeyJson): string {
  const text = JSON.stringify(json)
  if (Buffer.byteLength(text) <= MAX_BYTES) return text
  throw new AppError('too_large', 'A secret holds 64 KiB: revoke keys that are no longer used.')
}

export function missing(calls: SecretCalls): AppError {
  return new AppError('unavailable', 'There is no secret to keep keys in.', {
    operatorMessage: `${calls.resource} does not exist or has no value. ${howToCreate(calls)}`,
  })
}
