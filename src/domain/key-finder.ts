import { hash, timingSafeEqual } from 'node:crypto'
import { type ApiKey, isUsable } from './api-keys.ts'
import type { Clock } from './clock.ts'

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
