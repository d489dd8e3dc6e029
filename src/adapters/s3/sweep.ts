import type { PromptInfo } from '../../domain/topic.ts'
import { type BodyPlace, nameOf, type ObjectStore } from './object-store.ts'

/** Most places that one sweep looks at. */
const MAX_LOOKED_AT = 50
/** What is this much older than a first text may be of an earlier life of its prompt, whose record somebody deleted. */
const SAME_LIFE_MS = 3_600_000

/**
 * Removes what losing and dying writers left of a prompt, once `info` is published.
 *
 * A revision is published once, so that every other text of the same revision is dead: whoever wrote it worked from a
 * record that has changed, and cannot write it any more. What people put there says no revision, and stays.
 */
export async function removeOrphans(
  bodies: ObjectStore,
  topic_id: string,
  info: PromptInfo,
  previous: BodyPlace | undefined,
): Promise<void> {
  const places = await bodies.places(topic_id, info.prompt_type)
  for (const place of rivalsIn(places, info, previous).slice(0, MAX_LOOKED_AT)) {
    const { revision, updated_at } = await bodies.facts(place)
    const isOfThisLife = previous || Date.parse(info.updated_at) - Date.parse(updated_at) < SAME_LIFE_MS
    if (revision === info.revision && isOfThisLife) await bodies.remove(place)
  }
}

/**
 * Places that may hold a rival of `info`: by their key, or among versions all newer than the one before. One that stayed
 * the newest would make the published one an earlier version, which the bucket's rules may remove some day.
 */
function rivalsIn(
  places: readonly BodyPlace[],
  info: PromptInfo,
  previous: BodyPlace | undefined,
): BodyPlace[] {
  if (info.s3_version_id === undefined) {
    const start = info.s3_key.slice(0, info.s3_key.lastIndexOf('-') + 1)
    return places.filter(({ s3_key }) => s3_key.startsWith(start) && s3_key !== info.s3_key)
  }
  const names = places.map(nameOf)
  const newest = names.indexOf(nameOf(info))
  const oldest = previous ? names.indexOf(nameOf(previous)) : -1
  const newer = places.slice(0, oldest < 0 ? undefined : oldest)
  return newer.filter((_, index) => index !== newest)
}
