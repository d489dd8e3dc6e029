import { RestError } from '../rest/problem.ts'
import type { Words } from './en.ts'

/** Why a request failed, in the person's language where the code says enough; the server's own words where not. */
export function faultWords(error: unknown, words: Words): string {
  if (!(error instanceof RestError)) return words.failures.unknown(String(error))
  const known: Record<string, string | undefined> = words.failures.byCode
  const detail = error.faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join(' ')
  return known[error.code] ?? (detail || error.message)
}
