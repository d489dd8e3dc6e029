import type { CallEvent, Observer } from '../../domain/telemetry.ts'
import { escapeLineBreaks } from '../../util/json.ts'
import { type Log, type LogStream, streamOf, timeMember } from './log.ts'

/** Texts that are themselves in JSON: nearly all names of callers. */
const PLAIN = /^[\w:.@() /-]*$/

/**
 * The audit log: writes each event as one line with stable field names, at the level `info`.
 *
 * Past the log's own formatting and JSON.stringify, which take several times as long: every request has two such lines.
 */
export function auditLog(log: Log): Observer {
  if (!log.isLevelEnabled('info')) return () => {}
  const stream: LogStream = streamOf(log)
  const start = `{"level":${log.levels.values['info']}`
  return (event) => void stream.write(start + timeMember(Date.now()) + membersOf(event))
}

/** Only callers and addresses come from outside: the other members are names that hold nothing to escape. */
function membersOf(event: CallEvent): string {
  const { name, caller, role, address, topic_id, prompt_type, conversation_id, outcome, refused, use } = event
  let members = `,"kind":"audit","event":"${name}","caller":${quoted(caller)}`
  if (role !== undefined) members += `,"role":"${role}"`
  if (address !== undefined) members += `,"address":${quoted(address)}`
  if (topic_id !== undefined) members += `,"topic_id":"${topic_id}"`
  if (prompt_type !== undefined) members += `,"prompt_type":"${prompt_type}"`
  if (conversation_id !== undefined) members += `,"conversation_id":"${conversation_id}"`
  members += `,"outcome":"${outcome}"`
  if (refused !== undefined) members += `,"refused":${escapeLineBreaks(JSON.stringify(refused))}`
  if (use) {
    members += `,"model":${quoted(use.model)},"input_tokens":${use.input_tokens},"output_tokens":${use.output_tokens}`
    members += `,"attempts":${use.attempts}`
  }
  return `${members},"duration_ms":${event.durationMs},"request_id":"${event.requestId}"}\n`
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escapeLineBreaks(JSON.stringify(text))
}
