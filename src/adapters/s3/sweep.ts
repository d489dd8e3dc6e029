import type { PromptInfo } from '../../domain/topic.ts'
import { type Bodies, type BodyPlace, nameOf } from './bodies.ts'

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
  const names = places.map(nameOf)
  const newest = names.indexOf(nameOf(info))
  const oldest = names.indexOf(nameOf(previous))
  if (newest < 0 || oldest < 0) return
  for (const place of places.slice(newest + 1, oldest)) {
    const { revision } = await bodies.facts(place)
    if (revision !== undefined) await bodies.remove(place)
  }
}
