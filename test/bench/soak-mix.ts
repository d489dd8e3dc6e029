import { keyHeader, restShot, type Shot, tokenHeader, topicShot } from './load.ts'
import { type Era, mcpShot } from './mcp-shots.ts'

/** A request of the mixed load. */
export interface Kind {
  name: string
  /** Its share of all requests, in percent. */
  share: number
  make: () => Shot
}

/** Topics that requests are for. */
export const TOPICS = 1_000
/** Those of them that are edited. */
const EDITED = 100
const BATCH = 20

/** What services and administrators ask of a server at `url`. */
export function mixedLoad(url: string, { key, token }: { key: string; token: string }): Kind[] {
  const credential = keyHeader(key)
  const api = `${url}/api/v1`
  const parameters = { user_name: 'Ada' }
  const prompt = (era: Era) => {
    const params = { name: anyTopic(), arguments: parameters }
    return mcpShot(era, { url, credential }, 'prompts/get', params, 'Hello Ada')
  }
  let edits = 0
  return [
    { name: 'GET of a topic', share: 45, make: () => topicShot(url, credential, anyTopic()) },
    { name: 'prompts/get, 2026-07-28', share: 30, make: () => prompt('2026-07-28') },
    { name: 'prompts/get, 2025-11-25', share: 15, make: () => prompt('2025-11-25') },
    {
      name: `batch of ${BATCH}`,
      share: 5,
      make() {
        const topic_ids = Array.from({ length: BATCH }, anyTopic)
        return restShot('POST', `${api}/prompts/batch`, credential, 'Hello {{user_name}}', { topic_ids })
      },
    },
    {
      name: 'analysis, streamed',
      share: 4,
      make() {
        const headers = { ...credential, accept: 'text/event-stream' }
        return restShot('POST', `${api}/prompts/${anyTopic()}/analyze`, headers, 'event: result', parameters)
      },
    },
    {
      name: 'PUT of a text',
      share: 1,
      make() {
        edits++
        const content = `Hello {{user_name}}, for the ${edits}th time.`
        const path = `${api}/admin/prompts/${anyTopic(EDITED)}/user`
        return restShot('PUT', path, tokenHeader(token), '"data"', { content })
      },
    },
  ]
}

function anyTopic(count = TOPICS): string {
  return `topic_${Math.floor(Math.random() * count)}`
}

/** One of `kinds`, each as often as its share says. */
export function anyOf(kinds: readonly Kind[]): Kind {
  let at = Math.random() * 100
  for (const kind of kinds) {
    at -= kind.share
    if (at < 0) return kind
  }
  return kinds[0] as Kind
}
