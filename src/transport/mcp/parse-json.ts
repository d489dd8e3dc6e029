const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Stands for bytes that are no JSON. */
export const NOT_JSON = Symbol('not JSON')

/** The JSON value in `bytes`, or {@link NOT_JSON}: also for invalid UTF-8, which is never replaced or guessed. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    return NOT_JSON
  }
}
