import { writeSync } from 'node:fs'
import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type Log = Logger

/** Lines wait for company until there are so many, or for so long: a busy server writes thousands a second. */
const BATCH_LINES = 512
const BATCH_MS = 50

/** Where lines go. A line may also be given as how to make it, which then is done with its batch. */
export interface LineStream extends DestinationStream {
  writeLater(line: () => string): void
}

/** A structured log on stderr: stdout belongs to the protocol and to results. */
export function createLog(
  level: string,
  stream: LineStream = batched(destination({ dest: 2, sync: false })),
): Log {
  return pino({ level, base: null, timestamp: () => timeMember(Date.now()) }, stream)
}

/** Hands lines over many at a time; a call for each costs more than everything else about a line. */
function batched(stderr: DestinationStream): LineStream {
  let waiting: (() => string)[] = []
  let timer: NodeJS.Timeout | undefined
  const take = () => {
    const text = waiting.map((line) => line()).join('')
    waiting = []
    return text
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    stderr.write(take())
  }
  const writeLater = (line: () => string) => {
    waiting.push(line)
    if (waiting.length >= BATCH_LINES) flush()
    else timer ??= setTimeout(flush, BATCH_MS).unref()
  }
  // What was handed over before is written by then, unless nobody reads.
  process.on('exit', () => waiting.length > 0 && writeSync(2, take()))
  return { writeLater, write: (line) => writeLater(() => line) }
}

let lastMs = 0
let lastMember = ''

/** A time as a member of a line's JSON. Lines of the same millisecond share it: to write a date takes longer than the rest. */
export function timeMember(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms
    lastMember = `,"time":"${new Date(ms).toISOString()}"`
  }
  return lastMember
}
