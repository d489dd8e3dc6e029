import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ApiKey } from '../../domain/api-keys.ts'
import { AppError } from '../../domain/errors.ts'
import { type BackoffOptions, backoffMs } from '../../util/time.ts'
import {
  type Edit,
  editIn,
  type KeyDocument,
  type KeyJson,
  type KeyVersions,
  type NamedKey,
  newEdit,
  ROTATING_NAME,
  rawKeys,
  rotatingRecord,
} from './api-key-document.ts'
import { CURRENT, holderOf, howToCreate, PENDING, PREVIOUS, type SecretCalls } from './secret.ts'

/** Competing writers pause at random, so that a few attempts are enough for many of them. */
const MAX_ATTEMPTS = 24
const BACKOFF: BackoffOptions = { firstMs: 50, mostMs: 400, jitter: 1 }
/** Largest version that Secrets Manager stores. */
const MAX_BYTES = 65_536

/** What an edit changes: the current version, which can be edited. */
export interface CurrentKeys {
  versions: KeyVersions
  document: KeyDocument
  /** The entries of `keys` as they are stored. */
  entries: readonly unknown[]
}

/** The outcome of an edit, and the version that it needs for that; without `next` nothing is left to do. */
export interface Change<T> {
  result: T
  next?: NextVersion | undefined
}

interface NextVersion {
  json: KeyJson
  /** The version that is to have AWSPREVIOUS; `undefined`: none. */
  previous: string | undefined
  /** Whether to cancel a pending rotation, which carries the keys of before. */
  cancelsRotation: boolean
}

/**
 * Makes a new current version.
 *
 * Secrets Manager has no conditional write, but it moves AWSCURRENT only from the version that has it. So: add a version
 * under a label of our own, then move AWSCURRENT to it from the version that was read; the slower one of two writers is
 * refused and starts over.
 *
 * @param change called at every attempt. The keys may already hold its own work: an answer can get lost.
 * @throws AppError `conflict` when others keep changing the secret, `unavailable` for a secret that cannot be edited, and
 *   what `change` throws.
 * @example const record = await editKeys(calls, read, removePrevious())
 */
export async function editKeys<T>(
  calls: SecretCalls,
  read: () => Promise<KeyVersions | undefined>,
  change: (keys: CurrentKeys) => Change<T>,
): Promise<T> {
  let failure: unknown
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (attempt > 0) await delay(backoffMs(BACKOFF, attempt))
    const versions = await read()
    if (versions?.current === undefined) throw missingSecret(calls)
    await removeLostDrafts(calls, versions)
    const { current, unfinished } = versions
    const { result, next } = change(currentKeys(calls, versions))
    if (!next) {
      if (unfinished) await complete(calls, current, unfinished, true)
      return result
    }
    if (failure !== undefined) throw failure

    const id = randomUUID()
    const edit = newEdit(current, next.previous, id)
    await calls.put(id, textOf(next.json), edit.label)
    const isMoved = await calls.move(CURRENT, id, current).catch((error) => {
      // AWS may have moved it all the same: the next reading shows.
      failure = error
      return false
    })
    if (isMoved) {
      await complete(calls, id, edit, next.cancelsRotation)
      if (unfinished) await calls.move(unfinished.label, undefined, current).catch(() => false)
      return result
    }
  }
  throw new AppError('conflict', 'Others keep changing the keys; try again.')
}

function currentKeys({ resource }: SecretCalls, versions: KeyVersions): CurrentKeys {
  const document = versions.document(versions.current)
  const entries = document && rawKeys(document)
  if (entries) return { versions, document, entries }
  throw new AppError('unavailable', 'The secret is invalid.', {
    operatorMessage: `${resource} is invalid: AWSCURRENT is no JSON object with a list "keys". Fix it first.`,
  })
}

/**
 * Does what is left once an edit is the current version. It counts already, because readers know of it by its label, so
 * a failure does not fail the edit: the next edit needs none of this, or does it.
 */
async function complete(
  calls: SecretCalls,
  id: string,
  { label, base, previous }: Edit,
  cancelsRotation: boolean,
): Promise<void> {
  try {
    // Refused when another writer has done it, or has made a newer version meanwhile: right in both cases.
    await calls.move(PREVIOUS, previous, base)
    if (cancelsRotation) await cancelRotation(calls, id)
    await calls.move(label, undefined, id)
  } catch {
    return
  }
}

async function cancelRotation(calls: SecretCalls, current: string): Promise<void> {
  const pending = holderOf((await calls.describe())?.labels ?? {}, PENDING)
  if (pending !== undefined && pending !== current) await calls.move(PENDING, undefined, pending)
}

/** Removes the labels of drafts that can never become current, of any writer: a secret has room for 20 labels. */
async function removeLostDrafts(calls: SecretCalls, { labels, current }: KeyVersions): Promise<void> {
  const lost = Object.entries(labels).flatMap(([id, labels]) => {
    const edit = editIn(labels)
    return edit && id !== current && edit.base !== current ? [{ id, edit }] : []
  })
  await Promise.all(lost.map(({ id, edit }) => calls.move(edit.label, undefined, id).catch(() => false)))
}

/** @throws AppError `too_large` for more than a version holds. */
export function textOf(json: KeyJson): string {
  const text = JSON.stringify(json)
  if (Buffer.byteLength(text) <= MAX_BYTES) return text
  throw new AppError('too_large', 'A secret holds 64 KiB: revoke keys that are no longer used.')
}

export function missingSecret(calls: SecretCalls): AppError {
  return new AppError('unavailable', 'There is no secret to keep keys in.', {
    operatorMessage: `${calls.resource} does not exist or has no value. ${howToCreate(calls)}`,
  })
}

/** A change for {@link editKeys} that adds a named key. */
export function addKey(key: NamedKey): (keys: CurrentKeys) => Change<void> {
  return ({ versions, document, entries }) => {
    const isAdded = document.keys.some(({ api_key }) => api_key === key.api_key)
    const json = { ...document.json, keys: [...entries, key] }
    return {
      result: undefined,
      next: isAdded ? undefined : { json, previous: versions.previous, cancelsRotation: true },
    }
  }
}

/**
 * A change for {@link editKeys} that removes the one named key with an id or a name. Later attempts remove the same key.
 *
 * It throws AppError `not_found`, `conflict` when several keys have the name, `invalid_input` for the key that rotates.
 */
export function removeKey(idOrName: string): (keys: CurrentKeys) => Change<NamedKey> {
  let target: NamedKey | undefined
  return ({ versions, document, entries }) => {
    const documents = [versions.document(versions.pending), document]
    target ??= findNamedKey(idOrName, documents)
    const { id } = target
    const isThere = documents.some((one) => one?.keys.some((key) => key.id === id))
    const json = { ...document.json, keys: entries.filter((entry) => idOf(entry) !== id) }
    return {
      result: target,
      next: isThere ? { json, previous: versions.previous, cancelsRotation: true } : undefined,
    }
  }
}

/**
 * A change for {@link editKeys} that makes the previous key invalid. It throws AppError `not_found` when there is none.
 *
 * It adds a version with the same value, so that an edit under way starts over and does not bring the key back.
 */
export function removePrevious(): (keys: CurrentKeys) => Change<ApiKey> {
  let target: { version: string; record: ApiKey } | undefined
  return ({ versions, document }) => {
    const { previous } = versions
    if (!target) {
      if (previous === undefined) throw new AppError('not_found', 'There is no previous key.')
      target = { version: previous, record: previousRecord(versions.document(previous)) }
    }
    // Another previous key comes from a rotation between two attempts, and is still in use.
    const isThere = previous === target.version
    const next = { json: document.json, previous: undefined, cancelsRotation: false }
    return { result: target.record, next: isThere ? next : undefined }
  }
}

function findNamedKey(idOrName: string, documents: (KeyDocument | undefined)[]): NamedKey {
  const byId = new Map(documents.flatMap((document) => document?.keys ?? []).map((key) => [key.id, key]))
  const matches = [...byId.values()].filter(({ id, name }) => id === idOrName || name === idOrName)
  const [match] = matches
  if (match && matches.length === 1) return match
  if (match) throw new AppError('conflict', `Several keys are named "${idOrName}"; give an id.`)
  if ([ROTATING_NAME, 'current', 'pending', 'previous'].includes(idOrName)) {
    const message = `"${idOrName}" is the key that rotates: replace it with "keys rotate", then withdraw the old one with "keys revoke --previous".`
    throw new AppError('invalid_input', message)
  }
  throw new AppError('not_found', `No usable key has the id or name "${idOrName}".`)
}

function previousRecord(document: KeyDocument | undefined): ApiKey {
  if (document) return rotatingRecord(document, 'previous')
  return { id: 'previous', name: ROTATING_NAME, prefix: '(cannot be read)' }
}

const idOf = (entry: unknown) => (entry as { id?: unknown } | null)?.id
