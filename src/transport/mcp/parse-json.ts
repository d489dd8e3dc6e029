import { decodeUtf8Json } from '../../domain/json.ts'

/** Stands for bytes that are not JSON. */
export const NOT_JSON = Symbol('not JSON')

/** The JSON value in `bytes`, or {@link NOT_JSON}: also for invalid UTF-8, which is never replaced or guessed. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8Json(bytes)
  if (text === undefined) return NOT_JSON
  try {
    return JSON.parse(text)
  } catch {
    return NOT_JSON
  }
}
