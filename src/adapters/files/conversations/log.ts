import { constants, fstatSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { AppError } from '../../../domain/errors.ts'
import { type Entry, type History, withEntry } from './history.ts'

/** Ends a line that its writer did not end, because it was killed or the disk was full. */
const CUT_OFF = ' (cut off)'

/** A conversation's file, opened to append to it. */
export interface ConversationLog {
  /** By all entries that are in the file as far as it was read; `undefined` without a start. */
  history(): History | undefined
  /**
   * Appends an entry, and reads what others have appended before it.
   *
   * @param isDurable whether to wait until it is on the disk; default: true.
   */
  append(entry: Entry, isDurable?: boolean): Promise<void>
}

/**
 * Opens the file of a conversation for `work`.
 *
 * Needs no lock, and so leaves none behind: the system puts one whole line of whichever process after the other, and
 * their order decides ({@link withEntry}). Who has appended reads on to see whether it came too late.
 *
 * @throws the system's error, for example when there is no such file.
 */
export async function withLog<T>(path: string, work: (log: ConversationLog) => Promise<T>): Promise<T> {
  const file = await open(path, constants.O_RDWR | constants.O_APPEND)
  try {
    const reading = createReading(path)
    const readOn = () => reading.take(readFrom(file.fd, reading.position()))
    readOn()
    return await work({
      history: reading.history,
      async append(entry, isDurable = true) {
        const line = Buffer.from(`${reading.isTorn() ? `${CUT_OFF}\n` : ''}${JSON.stringify(entry)}\n`)
        const { bytesWritten } = await file.write(line)
        if (bytesWritten < line.length) throw new Error('the disk took only a part of a line')
        if (isDurable) await file.datasync()
        readOn()
      },
    })
  } finally {
    await file.close()
  }
}

/**
 * The conversation that `bytes` of its file tell of; see {@link withLog}.
 *
 * @param passDamage whether damaged lines are passed over, for who only counts; default: false.
 */
export function historyIn(path: string, bytes: Buffer, passDamage = false): History | undefined {
  const reading = createReading(path, passDamage)
  reading.take(bytes)
  return reading.history()
}

/** A file that is read on and on. */
function createReading(path: string, passDamage = false) {
  let history: History | undefined
  let lines = 0
  /** Bytes in whole lines. */
  let position = 0
  let isTorn = false

  function take(bytes: Buffer): void {
    const end = bytes.lastIndexOf('\n') + 1
    isTorn = end < bytes.length
    position += end
    for (const line of bytes.toString('utf8', 0, end).split('\n').slice(0, -1)) {
      lines++
      const entry = line.endsWith(CUT_OFF) ? undefined : parse(line)
      if (entry) history = withEntry(history, entry)
    }
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

  return { take, history: () => history, position: () => position, isTorn: () => isTorn }
}

function readFrom(fd: number, position: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, fstatSync(fd).size - position))
  let length = 0
  while (length < bytes.length) {
    const read = readSync(fd, bytes, length, bytes.length - length, position + length)
    if (read === 0) break
    length += read
  }
  return bytes.subarray(0, length)
}
