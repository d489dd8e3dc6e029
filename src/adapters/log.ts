import { writeSync } from 'node:fs'
import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type Log = Logger

/** Lines wait for company until there are so many characters, or for so long: a busy server writes thousands a second. */
const BATCH_CHARACTERS = 16 * 1024
const BATCH_MS = 50

/** A structured log on stderr: stdout belongs to the protocol and to results. */
export function createLog(level: string, stream: DestinationStream = batchedStderr()): Log {
  return pino({ level, base: null, timestamp: timeMember }, stream)
}

/** Hands lines to stderr many at a time; a call for each costs more than everything else about a line. */
function batchedStderr(): DestinationStream {
  const stderr = destination({ dest: 2, sync: false })
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    stderr.write(waiting)
    waiting = ''
  }
  // What was handed over before is written by then, unless nobody reads.
  process.on('exit', () => waiting !== '' && writeSync(2, waiting))
  return {
    write(line) {
      waiting += line
      if (waiting.length >= BATCH_CHARACTERS) flush()
      else timer ??= setTimeout(flush, BATCH_MS).unref()
    },
  }
}

let lastMs = 0
let lastMember = ''

/** The time as a member of the line's JSON. Lines of the same millisecond share it: to write a date takes longer than the rest. */
export function timeMember(): string {
  const now = Date.now()
  if (now !== lastMs) {
    lastMs = now
    lastMember = `,"time":"${new Date(now).toISOString()}"`
  }
  return lastMember
}
