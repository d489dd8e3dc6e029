import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import { invalidInput } from '../domain/errors.ts'

/**
 * The lines of a text that is piped in, without a byte-order mark before it. Node's own reader of lines keeps the mark,
 * replaces what is not UTF-8, and ends lines within texts (U+2028).
 *
 * @throws AppError `invalid_input` for invalid UTF-8.
 */
export async function* linesOf(input: Readable): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of input) {
    const lines = (rest + decode(decoder, Buffer.from(chunk))).split(/\r?\n/)
    rest = lines.pop() as string
    yield* lines
  }
  rest += decode(decoder)
  if (rest !== '') yield rest
}

function decode(decoder: TextDecoder, chunk?: Buffer): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch {
    throw invalidInput([{ path: 'content', expected: 'UTF-8', message: 'is not valid UTF-8.' }])
  }
}
