import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Awaitable } from '../util/awaitable.ts'
import type { Clock } from '../util/time.ts'

/** An API key as it is kept: never the key itself. */
export interface ApiKey {
  id: string
  name: string
  /** The first characters, to recognise a key by; they reveal nothing that helps to guess the rest. */
  prefix: string
  /** Missing where it was never written down, as for a key that was put into a secret by hand. */
  created_at?: string
  expires_at?: string
  revoked_at?: string
}

/** The API keys of this installation. */
export interface ApiKeys {
  /**
   * Creates a key.
   *
   * @param expiresAt default: the key does not expire.
   * @returns the key, which is shown once and kept nowhere, and its record.
   * @example const { key, record } = await keys.create('reporting', new Date('2027-01-01'))
   */
  create(name: string, expiresAt?: Date): Promise<{ key: string; record: ApiKey }>

  /** All keys, oldest first, revoked and expired ones too. */
  list(): Promise<ApiKey[]>

  /**
   * Makes a key invalid, in every running process within a second; in AWS within 30 seconds.
   *
   * @param idOrName a key's id, or the name of just one key that is not revoked yet.
   * @throws AppError `not_found`, or `conflict` when several keys have that name.
   * @example await keys.revoke('reporting')
   */
  revoke(idOrName: string): Promise<ApiKey>

  /**
   * Makes the key invalid that the last rotation has replaced.
   *
   * @throws AppError `not_found` when there is none, `invalid_input` where keys do not rotate.
   */
  revokePrevious(): Promise<ApiKey>

  /**
   * Replaces the rotating key: waits until every process knows the new one, then makes it the current one. The old
   * one stays valid as the previous one. Continues a rotation that was interrupted.
   *
   * @param report called with sentences about what is done and waited for.
   * @returns the new key, which is shown once, and its record.
   * @throws AppError `conflict` when keys were changed meanwhile, `invalid_input` where keys do not rotate.
   * @example const { key } = await keys.rotate((sentence) => log.info(sentence))
   */
  rotate(report: (sentence: string) => void): Promise<{ key: string; record: ApiKey }>

  /** False while the keys could not be read even once, so that none can be verified. */
  areKnown(): boolean

  /**
   * The record of a presented key, if it is valid now.
   *
   * @returns the same object for the same key until the stored keys change.
   * @throws AppError `unavailable` when the keys could not be read for too long.
   * @example const record = await keys.verify(request.headers['x-api-key'])
   */
  verify(presented: string): Awaitable<ApiKey | undefined>
}

/** Whether a key is valid now. */
export function isUsable({ revoked_at, expires_at }: ApiKey, clock: Clock): boolean {
  return revoked_at === undefined && (expires_at === undefined || expires_at > clock().toISOString())
}

const KEY_PREFIX = 'ppath_svc_'

/** Whether a credential is an API key of this program, of whatever stage, and no token. */
export function isApiKey(credential: string): boolean {
  return credential.startsWith(KEY_PREFIX)
}

/** The beginning of all keys that are created for a stage. */
export function keyPrefix(stage: string): string {
  return `${KEY_PREFIX}${stage}_`
}

/** A new key: 192 random bits, so that it cannot be guessed. */
export function newKey(stage: string): string {
  return keyPrefix(stage) + randomBytes(24).toString('hex')
}

/** The part of a presented key that may be logged: its public prefix, or that it does not even look like a key. */
export function loggablePrefix(presented: string): string {
  return /^ppath_svc_[a-z0-9-]{1,32}_[0-9a-f]{6}/.exec(presented)?.[0] ?? '(no key of ours)'
}

/** A stored key as presented keys are compared with it. */
export interface HashedKey {
  record: ApiKey
  /** See {@link digestOf}. */
  digest: Buffer
}

/** The digest that keys are compared by. Keys are 192 random bits, so a slow hash would add cost and no safety. */
export function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

/**
 * Finds the record of a presented key. All stored keys are compared, in constant time, whatever the outcome.
 *
 * A key that was found is remembered until `stored` is another list: nearly every request brings one, and to hash it
 * costs more than all the rest. The memory is a seeded hash table, so that its timing reveals nothing about similar keys.
 *
 * @example
 * const find = keyFinder(clock)
 * const record = find(presented, stored)
 */
export function keyFinder(
  clock: Clock,
): (presented: string, stored: readonly HashedKey[]) => ApiKey | undefined {
  const found = new Map<string, ApiKey[]>()
  let searched: readonly HashedKey[] = []

  function search(presented: string): ApiKey[] {
    const digest = digestOf(presented)
    const matches = searched.filter((key) => timingSafeEqual(digest, key.digest)).map(({ record }) => record)
    if (matches.length > 0) found.set(presented, matches)
    return matches
  }

  return (presented, stored) => {
    if (stored !== searched) {
      found.clear()
      searched = stored
    }
    const matches = found.get(presented) ?? search(presented)
    return matches.find((record) => isUsable(record, clock))
  }
}
