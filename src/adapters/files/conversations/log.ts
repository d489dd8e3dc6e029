import { closeSync, constants, fdatasync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { LRUCache } from 'lru-cache'
import type { Entry, History } from './history.ts'
import { CUT_OFF, createReading, type Reading } from './reading.ts'

const waitForDisk = promisify(fdatasync)

/** Of files in bytes; what is known of them takes about as much. */
const MAX_KNOWN_BYTES = 32 * 1024 * 1024

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

/** The files of conversations. All throw the system's error, for example when there is no such file. */
export interface ConversationLogs {
  /** What became of a conversation. Belongs to the logs: who hands it out hands out a copy. */
  read(path: string): History | undefined
  /** Opens a file for `work`. */
  open<T>(path: string, work: (log: ConversationLog) => Promise<T>): Promise<T>
  /** Forgets what is remembered of a file that is erased. */
  forget(path: string): void
}

/**
 * The files of conversations, which are only ever appended to.
 *
 * They need no lock, and so none is left behind: the system puts one whole line of whichever process after the other,
 * and their order decides ({@link withEntry}). Who has appended reads on to see whether it came too late. What was read
 * of a file is remembered, so that a turn costs the same however many came before. Only the wait for the disk is
 * asynchronous: another thread for a short read or write costs several times what it takes.
 */
export function conversationLogs(): ConversationLogs {
  const known = new LRUCache<string, Reading>({
    maxSize: MAX_KNOWN_BYTES,
    sizeCalculation: (reading) => reading.position() + 1,
  })

  /** Reads a file on from where it is known; whole when it is another one, or was edited by hand. */
  function readOn(path: string, fd: number): Reading {
    const { ino } = fstatSync(fd)
    const before = known.get(path)
    known.delete(path)
    const isContinued = before?.continues(ino, (position) => readFrom(fd, position)) ?? false
    const reading = before && isContinued ? before : createReading(path, ino)
    if (!isContinued) reading.take(readFrom(fd, 0))
    known.set(path, reading)
    return reading
  }

  return {
    read(path) {
      const fd = openSync(path, 'r')
      try {
        return readOn(path, fd).history()
      } finally {
        closeSync(fd)
      }
    },

    async open(path, work) {
      const fd = openSync(path, constants.O_RDWR | constants.O_APPEND)
      try {
        let reading = readOn(path, fd)
        return await work({
          history: () => reading.history(),
          async append(entry, isDurable = true) {
            const line = Buffer.from(`${reading.isTorn() ? `${CUT_OFF}\n` : ''}${JSON.stringify(entry)}\n`)
            if (writeSync(fd, line) < line.length) throw new Error('the disk took only a part of a line')
            if (isDurable) await waitForDisk(fd)
            reading = readOn(path, fd)
          },
        })
      } finally {
        closeSync(fd)
      }
    },

    forget: (path) => void known.delete(path),
  }
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
