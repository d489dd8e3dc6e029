import { createParser } from 'eventsource-parser'
import { BrokenConnection, tooLargeFailure } from './errors.ts'

/** Largest JSON text, in bytes or characters: answers are escaped and may come with the model's reasoning. */
const MAX_JSON = 8 * 1024 * 1024
/** Characters read of an error's body. */
const MAX_ERROR_LENGTH = 64 * 1024

/**
 * Sends one request.
 *
 * @throws BrokenConnection
 */
export async function post(url: URL, headers: Headers, body: string, signal: AbortSignal): Promise<Response> {
  try {
    // A redirect means a wrong address; the prompt must not follow it.
    return await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
  } catch (error) {
    throw brokenConnection(error)
  }
}

/**
 * The JSON texts of an answer: one, or the data of each event of a stream, with the `[DONE]` at its end.
 *
 * @param onBytes called whenever anything arrives, also what holds no text, such as a comment that keeps a stream alive.
 * @throws BrokenConnection; ModelFailure `incomplete` if one is too large.
 */
export async function* jsonTexts(
  response: Response,
  isEventStream: boolean,
  onBytes: () => void,
): AsyncGenerator<string> {
  if (isEventStream) yield* eventTexts(response, onBytes)
  else yield await wholeText(response)
}

/** The start of an error's body, or as much of it as arrives. */
export async function errorText(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const bytes of chunksOf(response)) {
      text += decoder.decode(bytes, { stream: true })
      if (text.length > MAX_ERROR_LENGTH) break
    }
  } catch {
    // The status is known and says more than the broken connection.
  }
  return text
}

/** `Retry-After` in milliseconds (RFC 9110, section 10.2.3). */
export function retryAfterOf({ headers }: Response): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? ''
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return ms > 0 ? ms : undefined
}

async function* eventTexts(response: Response, onBytes: () => void): AsyncGenerator<string> {
  const texts: string[] = []
  let isTooLarge = false
  const parser = createParser({
    maxBufferSize: MAX_JSON,
    // Events without data keep a stream alive.
    onEvent: ({ data }) => data.trim() !== '' && texts.push(data),
    onError: ({ type }) => {
      isTooLarge ||= type === 'max-buffer-size-exceeded'
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of chunksOf(response)) {
    onBytes()
    parser.feed(decoder.decode(bytes, { stream: true }))
    yield* texts.splice(0)
    if (isTooLarge) throw tooLargeFailure()
  }
  // Some servers do not end their last event.
  parser.feed('\n\n')
  yield* texts
}

async function wholeText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const bytes of chunksOf(response)) {
    size += bytes.length
    if (size > MAX_JSON) throw tooLargeFailure()
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString()
}

/** A reader that stops early closes the connection. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (!body) return
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await chunks.next().catch((error: unknown) => {
        throw brokenConnection(error)
      })
      if (done) return
      yield value
    }
  } finally {
    await chunks.return?.().catch(() => {})
  }
}

/** Keeps only the code of an error: messages can hold addresses and headers. */
function brokenConnection(error: unknown): BrokenConnection {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (typeof code === 'string' && /^[A-Z_\d]+$/.test(code)) return new BrokenConnection(code)
  }
  return new BrokenConnection('no connection')
}
