import { symbols } from 'pino'
import type { Audit, AuditEvent } from '../domain/observation.ts'
import { type LineStream, type Log, timeMember } from './log.ts'

/** Texts that are themselves in JSON: nearly all that an audit line holds. */
const PLAIN = /^[\w:.@() /-]*$/

/**
 * Writes each event as one line with stable field names (spec §5), at the level `info`. Past the log's own formatting
 * and JSON.stringify, which take several times as long, and after the request: every request has two such lines.
 */
export function logAudit(log: Log): Audit {
  if (!log.isLevelEnabled('info')) return () => {}
  const stream = (log as unknown as Record<symbol, LineStream>)[symbols.streamSym] as LineStream
  const level = log.levels.values['info'] as number
  return (event) => {
    const now = Date.now()
    stream.writeLater(() => lineOf(level, now, event))
  }
}

function lineOf(level: number, now: number, event: AuditEvent): string {
  const who = member('caller', event.caller) + member('role', event.role) + member('address', event.address)
  const what = member('topic_id', event.topic_id) + member('prompt_type', event.prompt_type)
  const refused = event.refused === undefined ? '' : `,"refused":${JSON.stringify(event.refused)}`
  const how = `,"outcome":"${event.outcome}"${refused},"duration_ms":${event.duration_ms}`
  const start = `{"level":${level}${timeMember(now)},"kind":"audit","event":"${event.event}"`
  return `${start}${who}${what}${how},"request_id":"${event.request_id}"}\n`
}

function member(name: string, value: string | undefined): string {
  if (value === undefined) return ''
  return `,"${name}":${PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)}`
}
