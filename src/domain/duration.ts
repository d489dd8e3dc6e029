import type { Clock } from '../util/time.ts'
import { invalidInput } from './errors.ts'

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Milliseconds of a text like `30m`, `12h` or `90d`, on every surface.
 *
 * @param name of the field, for the message.
 * @throws AppError `invalid_input` for other texts, and for more than `most`.
 * @example parseDuration('12h') // 43_200_000
 */
export function parseDuration(
  text: string,
  most: { milliseconds: number; words: string } | undefined = undefined,
  name = 'ttl',
): number {
  const [, count, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? []
  const milliseconds = Number(count) * UNITS[unit as keyof typeof UNITS]
  if (count !== undefined && !(most && milliseconds > most.milliseconds)) return milliseconds
  const expected = `a time like 30m, 12h or 90d${most ? `, at most ${most.words}` : ''}`
  throw invalidInput([{ path: name, expected, message: `expected ${expected}.` }])
}

/**
 * When `ttl` from now is over; `undefined` for what has no end.
 *
 * @throws AppError `invalid_input`.
 */
export function expiryOf(ttl: string | undefined, clock: Clock): Date | undefined {
  return ttl === undefined ? undefined : new Date(clock().getTime() + parseDuration(ttl))
}
