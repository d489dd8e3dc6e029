import type { PromptInfo } from '../../domain/topic.ts'
import type { Bodies, BodyPlace } from './bodies.ts'

/**
 * Removes what losing and dying writers left of a prompt, once `info` is published.
 *
 * Everything written between it and the text that it followed is dead: whoever wrote it worked from the same record,
 * which has changed, so that its write of the record cannot succeed any more. What people put there, which says no
 * revision, stays; so does everything older.
 */
export async function sweepBetween(
  bodies: Bodies,
  topic_id: string,
  info: PromptInfo,
  previous: BodyPlace | undefined,
): Promise<void> {
  if (!previous) return
  const places = await bodies.places(topic_id, info.prompt_type)
  const newest = places.findIndex((place) => isSamePlace(place, info))
  const oldest = places.findIndex((place) => isSamePlace(place, previous))
  if (newest < 0 || oldest < 0) return
  for (const place of places.slice(newest + 1, oldest)) {
    const { revision } = await bodies.facts(place)
    if (revision !== undefined) await bodies.remove(place)
  }
}

export function isSamePlace(one: BodyPlace, other: BodyPlace): boolean {
  return one.s3_key === other.s3_key && one.s3_version_id === other.s3_version_id
}
