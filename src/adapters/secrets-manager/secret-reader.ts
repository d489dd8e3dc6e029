import type { Labels, SecretCalls } from './secret-calls.ts'

/** A secret at one moment. */
export interface SecretVersions {
  labels: Labels
  /** Of those versions that were asked for and have a text. */
  texts: ReadonlyMap<string, string>
}

/**
 * Reads a secret. Texts of versions never change, so only those are fetched that the last reading did not have.
 *
 * @param wanted which versions matter; others, such as another writer's drafts, are not fetched.
 * @returns a function whose answer is `undefined` while there is no such secret. It throws AppError `unavailable`.
 */
export function secretReader(
  calls: SecretCalls,
  wanted: (labels: Labels) => (string | undefined)[],
): () => Promise<SecretVersions | undefined> {
  let known: ReadonlyMap<string, string> = new Map()

  return async () => {
    const found = await calls.describe()
    if (!found) return undefined
    const before = known
    const texts = new Map<string, string>()
    const fetches = [...new Set(wanted(found.labels))].map(async (id) => {
      if (id === undefined) return
      const text = before.get(id) ?? (await calls.text(id))
      if (text !== undefined) texts.set(id, text)
    })
    await Promise.all(fetches)
    known = texts
    return { labels: found.labels, texts }
  }
}
