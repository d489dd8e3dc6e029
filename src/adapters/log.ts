import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'

export type Log = Logger

/** A structured log on stderr: stdout belongs to the protocol and to results. */
export function createLog(
  level: string,
  stream: DestinationStream = destination({ dest: 2, sync: false }),
): Log {
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, stream)
}
