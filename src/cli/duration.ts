import { invalidInput } from '../domain/errors.ts'

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Milliseconds of a text like `30m`, `12h` or `90d`, as options take it.
 *
 * @param name of the option, for the message.
 * @throws AppError `invalid_input` for other texts, and for more than `most`.
 */
export function parseDuration(
  name: string,
  text: string,
  most: { milliseconds: number; words: string } | undefined = undefined,
): number {
  const [, count, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? []
  const milliseconds = Number(count) * UNITS[unit as keyof typeof UNITS]
  if (count !== undefined && !(most && milliseconds > most.milliseconds)) return milliseconds
  const expected = `a time like 30m, 12h or 90d${most ? `, at most ${most.words}` : ''}`
  throw invalidInput([{ path: name, expected, message: `expected ${expected}.` }])
}
