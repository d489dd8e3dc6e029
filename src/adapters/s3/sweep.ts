import type { PromptInfo } from '../../domain/topic.ts'
import { nameOf, type ObjectRef, type ObjectStore } from './object-store.ts'

/** Most objects that one sweep looks at. */
const MAX_LOOKED_AT = 50
/** An object this much older than a first text may belong to an earlier prompt of this name, whose record is gone. */
const SAME_LIFE_MS = 3_600_000

/**
 * Removes what losing and dying writers left of a prompt, once `info` is published.
 *
 * A revision is published once, so every other text of the same revision is dead: its writer worked from a record that
 * has changed, and cannot publish it any more. Objects that other programs put there have no revision, and stay.
 */
export async function removeOrphans(
  objects: ObjectStore,
  topic_id: string,
  info: PromptInfo,
  previous: ObjectRef | undefined,
): Promise<void> {
  const refs = await objects.list(topic_id, info.prompt_type)
  for (const ref of rivalsIn(refs, info, previous).slice(0, MAX_LOOKED_AT)) {
    const { revision, updated_at } = await objects.facts(ref)
    const isOfThisLife = previous || Date.parse(info.updated_at) - Date.parse(updated_at) < SAME_LIFE_MS
    if (revision === info.revision && isOfThisLife) await objects.remove(ref)
  }
}

/**
 * Objects that may hold a rival of `info`: by their key, or among versions all newer than the one before. A rival that
 * stayed the newest would make the published one an earlier version, which the bucket's rules may remove one day.
 */
function rivalsIn(
  refs: readonly ObjectRef[],
  info: PromptInfo,
  previous: ObjectRef | undefined,
): ObjectRef[] {
  if (info.s3_version_id === undefined) {
    const start = info.s3_key.slice(0, info.s3_key.lastIndexOf('-') + 1)
    return refs.filter(({ s3_key }) => s3_key.startsWith(start) && s3_key !== info.s3_key)
  }
  const names = refs.map(nameOf)
  const newest = names.indexOf(nameOf(info))
  const oldest = previous ? names.indexOf(nameOf(previous)) : -1
  const newer = refs.slice(0, oldest < 0 ? undefined : oldest)
  return newer.filter((_, index) => index !== newest)
}
