import { ownMember } from '../../util/json.ts'
import { type Check, fail, note, ok } from '../check.ts'
import { type Answer, insteadOf, probe, textIn } from './probe.ts'

/** Whether prompts can be served. */
export async function checkReadiness(url: string): Promise<Check[]> {
  const answer = await probe(`${url}/readyz`)
  const { json } = typeof answer === 'string' ? { json: undefined } : answer
  const status = textIn(json, 'status')
  const topics = ownMember(json, 'topics')
  if (status === 'stale') {
    return [note(`Serves ${topics} topics as of ${textIn(json, 'stale_since')}: its store cannot be reached`)]
  }
  if (status !== 'ready') return [fail(`/readyz says ${insteadOf(answer)}. The server's log says more.`)]
  const damaged = Number(ownMember(json, 'damaged') ?? 0)
  return [
    ok(`Ready, with ${topics} topics`),
    ...(damaged > 0 ? [note(`${damaged} topics are invalid: doctor on the server names them`)] : []),
  ]
}

/** Whether the API describes itself, at the address by which it is reached. */
export async function checkOpenApi(url: string): Promise<Check> {
  const answer = await probe(`${url}/openapi.json`)
  const { json } = typeof answer === 'string' ? { json: undefined } : answer
  if (textIn(json, 'openapi') === undefined) {
    return fail(`/openapi.json says ${insteadOf(answer)} instead of a description. ${fixPath(answer, url)}`)
  }
  const servers = ownMember(json, 'servers')
  const named = Array.isArray(servers) ? textIn(servers[0], 'url')?.replace(/\/$/, '') : undefined
  if (named !== url) return note(`OpenAPI names ${named} as the server: set PROMPTS_PUBLIC_URL to ${url}`)
  return ok('OpenAPI describes this address')
}

/** What to do about a path that does not come through. */
export function fixPath(answer: Answer | string, url: string): string {
  if (typeof answer !== 'string' && answer.status === 403)
    return 'Set PROMPTS_ALLOWED_HOSTS or PROMPTS_PUBLIC_URL.'
  return `The proxy must pass on every path below ${url}, and PROMPTS_PUBLIC_URL must be this address.`
}

/** Whether pages may call this server, and whether only those may that are allowed. */
export async function checkCors(url: string): Promise<Check> {
  const { origin } = new URL(url)
  const wanted = ['authorization', 'content-type', 'mcp-protocol-version']
  const ask = (from: string) =>
    probe(`${url}/mcp`, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': wanted.join(','),
      },
    })
  const foreign = await ask('https://foreign.invalid')
  const opened = typeof foreign === 'string' ? null : foreign.headers.get('access-control-allow-origin')
  if (opened !== null) {
    return fail(
      `Pages of every origin may call (Access-Control-Allow-Origin: ${opened}): have the proxy add none.`,
    )
  }
  const answer = await ask(origin)
  if (typeof answer === 'string') return fail(`No answer to OPTIONS /mcp: ${answer}`)
  const allowed = answer.headers.get('access-control-allow-origin')
  const headers = (answer.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/,\s*/)
  const missing = wanted.filter((name) => !headers.includes(name))
  if (allowed === origin && missing.length === 0)
    return ok('CORS lets pages of this server call, and no others')
  const lacks = allowed === origin ? missing.join(', ') : 'Access-Control-Allow-Origin'
  return fail(
    `OPTIONS /mcp is answered with ${insteadOf(answer)}, without ${lacks}: the proxy must pass OPTIONS on and leave CORS to the server.`,
  )
}
