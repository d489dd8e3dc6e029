import { writeSync } from 'node:fs'
import { type DestinationStream, destination, type Logger, pino, symbols } from 'pino'
import { escapeLineBreaks } from '../../util/json.ts'

export type Log = Logger
export type LogStream = DestinationStream

/** Lines are written together when there are so many, or after so long: a busy server writes thousands a second. */
const BATCH_LINES = 512
const BATCH_MS = 50

/** A structured log on stderr: stdout belongs to the protocol and to results. */
export function createLog(level: string, stream: LogStream = batched()): Log {
  const hooks = { streamWrite: escapeLineBreaks }
  return pino({ level, base: null, timestamp: () => timeMember(Date.now()), hooks }, stream)
}

/** Hands lines over many at a time: the destination's own batching joins them one by one, which costs a tenth of a request. */
function batched(): LogStream {
  const stderr = destination({ dest: 2, sync: false })
  let lines: string[] = []
  let timer: NodeJS.Timeout | undefined
  const take = () => {
    const text = lines.join('')
    lines = []
    return text
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    stderr.write(take())
  }
  // What was handed over before is written by then.
  process.on('exit', () => lines.length > 0 && writeSync(2, take()))
  return {
    write(line) {
      lines.push(line)
      if (lines.length >= BATCH_LINES) flush()
      else timer ??= setTimeout(flush, BATCH_MS).unref()
    },
  }
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
