import { AppError } from '../../../domain/errors.ts'
import { type Entry, type History, withEntry } from './history.ts'

/** Ends a line that its writer did not end, because it was killed or the disk was full. */
export const CUT_OFF = ' (cut off)'
/** So many bytes tell whether a file still is what was read of it: every line of it has ids of its own. */
const TAIL_BYTES = 64

/** What was read of a conversation's file, as it grows. */
export interface Reading {
  /** By all whole lines so far; `undefined` without a start. */
  history(): History | undefined
  /** Bytes in whole lines. */
  position(): number
  /** Whether more bytes are behind them: a line that is being written, or never will be whole. */
  isTorn(): boolean
  /** Takes bytes from {@link position} on. @throws AppError `unavailable` for a damaged line. */
  take(bytes: Buffer): void
  /**
   * Takes what has been appended, if the file is still this one.
   *
   * @param readFrom reads the file from a position on.
   * @returns false when it is not; nothing is taken then.
   */
  continues(ino: number, readFrom: (position: number) => Buffer): boolean
}

/**
 * A file of which nothing is read.
 *
 * @param passDamage whether damaged lines are passed over, for who shows no messages; default: false.
 */
export function createReading(path: string, ino = 0, passDamage = false): Reading {
  let history: History | undefined
  let lines = 0
  let position = 0
  let isTorn = false
  /** The end of the whole lines. */
  let tail = Buffer.alloc(0)

  function take(bytes: Buffer): void {
    const end = bytes.lastIndexOf('\n') + 1
    for (const line of bytes.toString('utf8', 0, end).split('\n').slice(0, -1)) {
      lines++
      const entry = line.endsWith(CUT_OFF) ? undefined : parse(line)
      if (entry) history = withEntry(history, entry)
    }
    isTorn = end < bytes.length
    position += end
    if (end > 0) tail = Buffer.from(bytes.subarray(Math.max(0, end - TAIL_BYTES), end))
  }

  function parse(line: string): Entry | undefined {
    try {
      return JSON.parse(line)
    } catch (error) {
      if (passDamage) return undefined
      throw new AppError('unavailable', 'The conversation cannot be read.', {
        operatorMessage: `${path}:${lines} is damaged. Fix the line, or erase the conversation.`,
        cause: error,
      })
    }
  }

  function continues(at: number, readFrom: (position: number) => Buffer): boolean {
    if (at !== ino) return false
    const bytes = readFrom(position - tail.length)
    if (!bytes.subarray(0, tail.length).equals(tail)) return false
    take(bytes.subarray(tail.length))
    return true
  }

  return { history: () => history, position: () => position, isTorn: () => isTorn, take, continues }
}

/** The conversation that `bytes` of its file tell of; see {@link createReading}. */
export function historyIn(path: string, bytes: Buffer, passDamage = false): History | undefined {
  const reading = createReading(path, 0, passDamage)
  reading.take(bytes)
  return reading.history()
}
