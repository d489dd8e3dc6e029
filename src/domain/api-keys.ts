import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Awaitable } from './awaitable.ts'
import type { Clock } from './clock.ts'

/** An API key as it is kept: never the key itself. */
export interface ApiKey {
  id: string
  name: string
  /** The first characters, to recognise a key by; they reveal nothing that helps to guess the rest. */
  prefix: string
  /** Missing where it was never written down, as for a key that somebody put into a secret by hand. */
  created_at?: string
  expires_at?: string
  revoked_at?: string
}

/** The API keys of this installation. */
export interface ApiKeys {
  /**
   * Makes a key.
   *
   * @returns the key, which is shown once and kept nowhere, and its record.
   */
  create(name: string, expiresAt?: Date): Promise<{ key: string; record: ApiKey }>

  /** All keys, oldest first, revoked and expired ones too. */
  list(): Promise<ApiKey[]>

  /**
   * Withdraws a key, in every running process within a second; in AWS within 30 seconds.
   *
   * @param idOrName a key's id, or the name of just one key that is not revoked yet.
   * @throws AppError `not_found`, or `conflict` when several keys have that name.
   */
  revoke(idOrName: string): Promise<ApiKey>

  /**
   * Withdraws the key that the last rotation has replaced.
   *
   * @throws AppError `not_found` when there is none, `invalid_input` where keys do not rotate.
   */
  revokePrevious(): Promise<ApiKey>

  /**
   * Replaces the rotating key: waits until every process knows the new one, then makes it the current one. The old
   * one stays valid as the previous one. Goes on with a rotation that was interrupted.
   *
   * @param tell is given sentences about what is done and waited for.
   * @returns the new key, which is shown once, and its record.
   * @throws AppError `conflict` when keys were changed meanwhile, `invalid_input` where keys do not rotate.
   */
  rotate(tell: (sentence: string) => void): Promise<{ key: string; record: ApiKey }>

  /** False while the keys could not be read even once, so that none can be verified. */
  areKnown(): boolean

  /** The record of a presented key, if it is valid now. */
  verify(presented: string): Awaitable<ApiKey | undefined>
}

/** Whether a key is valid now. */
export function isUsable({ revoked_at, expires_at }: ApiKey, clock: Clock): boolean {
  return revoked_at === undefined && (expires_at === undefined || expires_at > clock().toISOString())
}

/** How all keys begin that are made for a stage (spec §5). */
export function keyPrefix(stage: string): string {
  return `ppath_svc_${stage}_`
}

/** A new key: 192 random bits, so that none can be guessed. */
export function newKey(stage: string): string {
  return keyPrefix(stage) + randomBytes(24).toString('hex')
}

/** What of a presented key may be logged: its public prefix, or that it does not even look like one. */
export function loggablePrefix(presented: string): string {
  return /^ppath_svc_[a-z0-9-]{1,32}_[0-9a-f]{6}/.exec(presented)?.[0] ?? '(no key of ours)'
}

/** A key as requests are compared with it. */
export interface KnownKey {
  record: ApiKey
  /** See {@link digestOf}. */
  digest: Buffer
}

/** What a key is compared by. Keys are 192 random bits, so a slow hash would add cost and no safety. */
export function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

/**
 * Finds presented keys among the known ones: every one is compared, in constant time, whatever the outcome.
 *
 * A key that was found is remembered until the known ones change: nearly every request brings one, and to hash it costs
 * more than all the rest. The memory finds it by a seeded hash, so that time tells nothing about keys that are near.
 */
export function keyFinder(
  clock: Clock,
): (presented: string, known: readonly KnownKey[]) => ApiKey | undefined {
  const found = new Map<string, ApiKey[]>()
  let searched: readonly KnownKey[] = []

  function search(presented: string): ApiKey[] {
    const digest = digestOf(presented)
    const matches = searched.filter((key) => timingSafeEqual(digest, key.digest)).map(({ record }) => record)
    if (matches.length > 0) found.set(presented, matches)
    return matches
  }

  return (presented, known) => {
    if (known !== searched) {
      found.clear()
      searched = known
    }
    const matches = found.get(presented) ?? search(presented)
    return matches.find((record) => isUsable(record, clock))
  }
}
