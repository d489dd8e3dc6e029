import { type DestinationStream, symbols } from 'pino'
import type { Audit } from '../domain/observation.ts'
import { type Log, timeMember } from './log.ts'

/**
 * Writes each event as one line with stable field names (spec §5), at the level `info`. To the log's stream and not
 * through the log: every request has two such lines, and pino's formatting takes three times as long as JSON's own.
 */
export function logAudit(log: Log): Audit {
  if (!log.isLevelEnabled('info')) return () => {}
  const stream = (log as unknown as Record<symbol, DestinationStream>)[symbols.streamSym] as DestinationStream
  const level = log.levels.values['info']
  return (event) =>
    stream.write(`{"level":${level}${timeMember()},"kind":"audit",${JSON.stringify(event).slice(1)}\n`)
}
