import { del, delMany, entries, set } from 'idb-keyval'

/** The live text that a draft began with; `revision` is 0 if there was none. */
export interface Base {
  revision: number
  content: string
}

/** A text that was typed and not saved, with all that is needed to save or merge it later. */
export interface Draft {
  base: Base
  text: string
  /** When it was typed last, in milliseconds. */
  at: number
}

/** Whose draft it is: two tabs may write at the same prompt, and neither may overwrite the other. */
const OWNER = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`
const lockOf = (owner: string) => `draft-owner/${owner}`
// Held for as long as this page lives: what belongs to a page without one was left behind.
void navigator.locks?.request(lockOf(OWNER), () => new Promise(() => {}))

type Key = ['draft', topic_id: string, prompt_type: string, owner: string]

const keyOf = (topic_id: string, prompt_type: string, owner = OWNER): Key => [
  'draft',
  topic_id,
  prompt_type,
  owner,
]

export const keepDraft = (topic_id: string, prompt_type: string, draft: Draft): Promise<void> =>
  set(keyOf(topic_id, prompt_type), draft)

export const dropDraft = (topic_id: string, prompt_type: string): Promise<void> =>
  del(keyOf(topic_id, prompt_type))

/** The newest draft of a prompt that no open page is writing, made this page's own; `undefined` if there is none. */
export async function adoptDraft(topic_id: string, prompt_type: string): Promise<Draft | undefined> {
  const owners = await livingOwners()
  const left = (await entries<Key, Draft>())
    .filter(([key]) => key[0] === 'draft' && key[1] === topic_id && key[2] === prompt_type)
    .filter(([key]) => key[3] === OWNER || !owners.has(lockOf(key[3])))
    .sort(([, a], [, b]) => b.at - a.at)
  const [newest] = left
  if (!newest) return undefined
  const [key, draft] = newest
  await keepDraft(topic_id, prompt_type, draft)
  if (key[3] !== OWNER) await delMany([key])
  return draft
}

/** Where the browser has no locks (plain http elsewhere than on this machine), every draft counts as left behind. */
async function livingOwners(): Promise<Set<string | undefined>> {
  const locks = await navigator.locks?.query()
  return new Set(locks?.held?.map((lock) => lock.name))
}

/** The newest draft of each prompt of a topic in this browser, whichever page writes it. */
export async function draftsOf(topic_id: string): Promise<ReadonlyMap<string, Draft>> {
  const all = (await entries<Key, Draft>()).filter(([key]) => key[0] === 'draft' && key[1] === topic_id)
  // Later entries of a map replace earlier ones.
  return new Map(all.sort(([, a], [, b]) => a.at - b.at).map(([key, draft]) => [key[2], draft]))
}
