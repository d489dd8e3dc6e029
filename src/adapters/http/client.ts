import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import { NOT_JSON, parseJson } from '../../util/json.ts'

/** Time for one request. */
const TIMEOUT_MS = 30_000
/** A server that has enough for now is asked so many times, each time after as long as it says. */
const MAX_TRIES = 5
const DEFAULT_WAIT_MS = 5_000
const MOST_WAIT_MS = 120_000

/** The answer of a server that was reached. */
export interface HttpAnswer {
  status: number
  /** The body as JSON; `undefined` when it is none. */
  body: unknown
}

export interface HttpClient {
  /**
   * Sends one request.
   *
   * @param path below the server's address, beginning with `/`.
   * @param body sent as JSON.
   * @throws AppError `unavailable` when the server cannot be reached.
   */
  send(method: string, path: string, body?: unknown): Promise<HttpAnswer>
}

/**
 * A client of a JSON API. It follows no redirect, which could lead the credential elsewhere, and waits when the server
 * says that there were too many requests (429, 503 with `Retry-After`).
 *
 * @param base address of the server without a trailing slash.
 * @param headers sent with every request: the credential.
 * @param onWait called with a sentence for the person who waits.
 */
export function httpClient(
  base: string,
  headers: Readonly<Record<string, string>>,
  onWait: (message: string) => void,
): HttpClient {
  async function send(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
    for (let tries = 1; ; tries++) {
      const response = await request(method, path, body)
      const wait = waitOf(response)
      if (wait === undefined || tries === MAX_TRIES) return answerOf(response)
      await response.body?.cancel()
      onWait(`${base} asks to wait for ${Math.ceil(wait / 1000)} s.`)
      await sleep(wait)
    }
  }

  async function request(method: string, path: string, body: unknown): Promise<Response> {
    try {
      return await fetch(base + path, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (error) {
      throw unreachable(base, error)
    }
  }

  async function answerOf(response: Response): Promise<HttpAnswer> {
    try {
      const body = parseJson(Buffer.from(await response.arrayBuffer()))
      return { status: response.status, body: body === NOT_JSON ? undefined : body }
    } catch (error) {
      throw unreachable(base, error)
    }
  }

  return { send }
}

/** Milliseconds that the server asks to wait; `undefined` when it does not. */
function waitOf({ status, headers }: Response): number | undefined {
  const after = headers.get('retry-after')
  if (status !== 429 && (status !== 503 || after === null)) return undefined
  const ms = after !== null && /^\d+$/.test(after) ? Number(after) * 1000 : DEFAULT_WAIT_MS
  return ms <= MOST_WAIT_MS ? ms : undefined
}

function unreachable(base: string, error: unknown): AppError {
  return new AppError('unavailable', `Cannot reach ${base}: ${reasonOf(error)}.`, { cause: error })
}

/** What `fetch` hides in causes: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, … */
export function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, name } = cause as NodeJS.ErrnoException
    if (typeof code === 'string') return code
    if (name === 'TimeoutError') return 'no answer in time'
  }
  return error instanceof Error ? error.message : String(error)
}
