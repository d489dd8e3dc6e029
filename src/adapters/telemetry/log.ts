import { type DestinationStream, destination, type Logger, pino, symbols } from 'pino'

export type Log = Logger
export type LogStream = DestinationStream

/** Lines are written together when there are so many bytes of them, or after so long: a busy server writes thousands a second. */
const BATCH_BYTES = 8 * 1024
const BATCH_MS = 100

/** A structured log on stderr: stdout belongs to the protocol and to results. */
export function createLog(level: string, stream: LogStream = batched()): Log {
  return pino({ level, base: null, timestamp: () => timeMember(Date.now()) }, stream)
}

/** What was handed over is written at the latest when the process exits: the destination sees to that. */
function batched(): LogStream {
  return destination({ dest: 2, sync: false, minLength: BATCH_BYTES, periodicFlush: BATCH_MS })
}

/** Where a log's lines go, for lines that are formatted already. */
export function streamOf(log: Log): LogStream {
  return (log as unknown as Record<symbol, LogStream>)[symbols.streamSym] as LogStream
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
