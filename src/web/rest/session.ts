import { API_ROOT } from '../addresses.ts'
import { createStore } from '../ui/store.ts'
import { RestError } from './problem.ts'

/** Who is signed in. The page holds no credential: the cookie is out of reach of every script. */
export interface Session {
  subject: string
}

/** What the server said last: a session, `null` when nobody is signed in, `undefined` before it was asked. */
export const session = createStore<Session | null | undefined>(undefined)
/** Whether the last request was answered at all. */
export const isReachable = createStore(true)

let asking: Promise<Session | null> | undefined

/** Asks who is signed in; callers at the same time share one request. Rejects when there is no answer. */
export function askSession(): Promise<Session | null> {
  asking ??= readSession().finally(() => {
    asking = undefined
  })
  return asking
}

async function readSession(): Promise<Session | null> {
  const answer = await send(`${API_ROOT}/session`)
  if (answer.status === 401) session.set(null)
  else if (answer.ok) session.set(((await answer.json()) as { data: Session }).data)
  else throw new RestError({ code: 'unavailable', title: answer.statusText })
  return session.get() ?? null
}

/** Ends the session in this browser. */
export async function signOut(): Promise<void> {
  await send(`${API_ROOT}/session`, { method: 'DELETE' })
  session.set(null)
}

/**
 * `fetch` that remembers whether the server answers.
 *
 * @throws RestError `unreachable`, if it does not.
 */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  try {
    const answer = await fetch(url, { ...init, cache: 'no-store', credentials: 'same-origin' })
    isReachable.set(true)
    return answer
  } catch (error) {
    if (init.signal?.aborted) throw error
    isReachable.set(false)
    throw new RestError({ code: 'unreachable', detail: String(error) })
  }
}
