import { type Check, fail, note, ok } from '../check.ts'
import { checkClock, checkTls } from './connection.ts'
import { checkMcp } from './mcp.ts'
import { checkOAuth } from './oauth.ts'
import { insteadOf, probe } from './probe.ts'
import { checkCors, checkOpenApi, checkReadiness, fixPath } from './service.ts'
import { checkStreams } from './streams.ts'

export interface OutsideOptions {
  /** Address of the server without a trailing slash, as clients have it. */
  url: string
  /** Headers with a credential of the role `service`; without one MCP and streams are not checked. */
  credential: Record<string, string> | undefined
  /** How long a stream must stay open. */
  holdMs: number
}

/** Checks a deployed server as clients see it, proxies and all, and says how to fix what is wrong. */
export async function* checkFromOutside({ url, credential, holdMs }: OutsideOptions): AsyncIterable<Check> {
  yield await checkTls(url)
  const health = await probe(`${url}/healthz`)
  if (typeof health === 'string') {
    yield fail(`${url} cannot be reached: ${health}`)
    return
  }
  if (health.status !== 200) {
    yield fail(`/healthz says ${insteadOf(health)}. ${fixPath(health, url)}`)
    return
  }
  yield ok(`/healthz answers after ${health.answered - health.asked} ms`)
  yield checkClock(health)
  yield* await checkReadiness(url)
  yield await checkOpenApi(url)
  yield* checkOAuth(url)
  yield await checkCors(url)
  if (credential === undefined) {
    yield note(
      'MCP and streams were not checked: give a key or a token in PROMPTS_TOKEN or with --token-file',
    )
    return
  }
  yield* checkMcp(url, credential)
  yield* checkStreams(url, credential, holdMs)
}
