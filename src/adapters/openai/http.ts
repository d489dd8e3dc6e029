import { createParser } from 'eventsource-parser'
import { BrokenConnection, tooLargeFailure } from './errors.ts'

/** Largest JSON text, in bytes or characters: an answer may be escaped and come with the model's reasoning. */
const MAX_JSON = 8 * 1024 * 1024
/** Of an error so much is read. */
const MAX_ERROR_LENGTH = 64 * 1024

/**
 * Sends one request.
 *
 * @throws BrokenConnection
 */
export async function post(url: URL, headers: Headers, body: string, signal: AbortSignal): Promise<Response> {
  try {
    // Whoever is sent elsewhere has the wrong address; the prompt does not follow.
    return await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
  } catch (error) {
    throw brokenBy(error)
  }
}

/**
 * The JSON texts of an answer: one, or those of a stream as they come, and last what ends it.
 *
 * @throws BrokenConnection; ModelFailure `incomplete` if one is too large.
 */
export async function* jsonTexts(response: Response, isEventStream: boolean): AsyncGenerator<string> {
  if (isEventStream) yield* eventTexts(response)
  else yield await wholeText(response)
}

/** What a server says about an error, as far as it is needed and comes. */
export async function errorText(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const bytes of piecesOf(response)) {
      text += decoder.decode(bytes, { stream: true })
      if (text.length > MAX_ERROR_LENGTH) break
    }
  } catch {
    // The status is known, and says more than the broken connection.
  }
  return text
}

/** In how many milliseconds to try again, if a server says so (`Retry-After`: RFC 9110, section 10.2.3). */
export function retryAfterOf({ headers }: Response): number | undefined {
  const told = headers.get('retry-after')?.trim() ?? ''
  const ms = /^\d+$/.test(told) ? Number(told) * 1000 : Date.parse(told) - Date.now()
  return ms > 0 ? ms : undefined
}

async function* eventTexts(response: Response): AsyncGenerator<string> {
  const texts: string[] = []
  let isTooLarge = false
  const parser = createParser({
    maxBufferSize: MAX_JSON,
    onEvent: ({ data }) => texts.push(data),
    onError: ({ type }) => {
      isTooLarge ||= type === 'max-buffer-size-exceeded'
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of piecesOf(response)) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    yield* texts.splice(0)
    if (isTooLarge) throw tooLargeFailure()
  }
  // Some servers do not end their last event.
  parser.feed('\n\n')
  yield* texts
}

async function wholeText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const bytes of piecesOf(response)) {
    size += bytes.length
    if (size > MAX_JSON) throw tooLargeFailure()
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString()
}

/** Whoever stops reading ends the connection, too. */
async function* piecesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (!body) return
  const pieces = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await pieces.next().catch((error: unknown) => {
        throw brokenBy(error)
      })
      if (done) return
      yield value
    }
  } finally {
    await pieces.return?.().catch(() => {})
  }
}

/** Only the code of what happened: messages can hold addresses and headers. */
function brokenBy(error: unknown): BrokenConnection {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (typeof code === 'string' && /^[A-Z_\d]+$/.test(code)) return new BrokenConnection(code)
  }
  return new BrokenConnection('no connection')
}
