import { symbols } from 'pino'
import type { Audit, AuditEvent } from '../../domain/telemetry.ts'
import { type LineStream, type Log, timeMember } from './log.ts'

/** Texts that are themselves in JSON: nearly all names of callers. */
const PLAIN = /^[\w:.@() /-]*$/

/**
 * Writes each event as one line with stable field names (spec §5), at the level `info`. Past the log's own formatting
 * and JSON.stringify, which take several times as long, and after the request: every request has two such lines.
 */
export function logAudit(log: Log): Audit {
  if (!log.isLevelEnabled('info')) return () => {}
  const stream = (log as unknown as Record<symbol, LineStream>)[symbols.streamSym] as LineStream
  const start = `{"level":${log.levels.values['info']}`
  return (event) => {
    const now = Date.now()
    stream.writeLater(() => start + timeMember(now) + membersOf(event))
  }
}

/** Only callers and addresses come from outside: the other members are names that hold nothing to escape. */
function membersOf(event: AuditEvent): string {
  const { caller, role, address, topic_id, prompt_type, outcome, refused, duration_ms, request_id } = event
  let members = `,"kind":"audit","event":"${event.event}","caller":${quoted(caller)}`
  if (role !== undefined) members += `,"role":"${role}"`
  if (address !== undefined) members += `,"address":${quoted(address)}`
  if (topic_id !== undefined) members += `,"topic_id":"${topic_id}"`
  if (prompt_type !== undefined) members += `,"prompt_type":"${prompt_type}"`
  members += `,"outcome":"${outcome}"`
  if (refused !== undefined) members += `,"refused":${JSON.stringify(refused)}`
  if (event.model !== undefined) members += modelMembers(event)
  return `${members},"duration_ms":${duration_ms},"request_id":"${request_id}"}\n`
}

function modelMembers({ model = '', input_tokens, output_tokens, attempts }: AuditEvent): string {
  const tokens = `"input_tokens":${input_tokens},"output_tokens":${output_tokens}`
  return `,"model":${quoted(model)},${tokens},"attempts":${attempts}`
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}
