import { createStore, del, delMany, entries, promisifyRequest } from 'idb-keyval'

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

/** What this tab showed before it was reloaded. */
const PREVIOUS_OWNER = sessionStorage.getItem('draft-owner')
sessionStorage.setItem('draft-owner', OWNER)

type Key = [topic_id: string, prompt_type: string, owner: string]

const keyOf = (topic_id: string, prompt_type: string): Key => [topic_id, prompt_type, OWNER]

/** Database and object store. */
const kept = createStore('drafts', 'drafts')

/** Also of a page that is being closed: the browser is told to commit at once, before the page is gone. */
export const keepDraft = (topic_id: string, prompt_type: string, draft: Draft): Promise<void> =>
  kept('readwrite', (store) => {
    store.put(draft, keyOf(topic_id, prompt_type))
    store.transaction.commit()
    return promisifyRequest(store.transaction)
  })

export const dropDraft = (topic_id: string, prompt_type: string): Promise<void> =>
  del(keyOf(topic_id, prompt_type), kept)

/**
 * A draft of a prompt that no open page is writing, made this page's own: the one that this tab showed before, else the
 * newest; `undefined` if there is none. Pages adopt one after the other, so that no two get the same one.
 */
export function adoptDraft(topic_id: string, prompt_type: string): Promise<Draft | undefined> {
  const adopt = async () => {
    const owners = await livingOwners()
    const left = (await entries<Key, Draft>(kept))
      .filter(([key]) => key[0] === topic_id && key[1] === prompt_type)
      .filter(([key]) => key[2] === OWNER || !owners.has(lockOf(key[2])))
      .sort(([, a], [, b]) => b.at - a.at)
    const [key, draft] = left.find(([key]) => key[2] === PREVIOUS_OWNER) ?? left[0] ?? []
    if (!key || !draft) return undefined
    await keepDraft(topic_id, prompt_type, draft)
    if (key[2] !== OWNER) await delMany([key], kept)
    return draft
  }
  return navigator.locks ? navigator.locks.request('draft-adoption', adopt) : adopt()
}

/** Where the browser has no locks (plain http elsewhere than on this machine), every draft counts as left behind. */
async function livingOwners(): Promise<Set<string | undefined>> {
  const locks = await navigator.locks?.query()
  return new Set(locks?.held?.map((lock) => lock.name))
}

/** The newest draft of each prompt of a topic in this browser, whichever page writes it. */
export async function draftsOf(topic_id: string): Promise<ReadonlyMap<string, Draft>> {
  const all = (await entries<Key, Draft>(kept)).filter(([key]) => key[0] === topic_id)
  // Later entries of a map replace earlier ones.
  return new Map(all.sort(([, a], [, b]) => a.at - b.at).map(([key, draft]) => [key[1], draft]))
}
