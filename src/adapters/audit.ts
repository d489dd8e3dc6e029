import type { Audit } from '../domain/observation.ts'
import type { Log } from './log.ts'

/** Writes each event as one line with stable field names (spec §5), at the level `info`. */
export function logAudit(log: Log): Audit {
  const lines = log.child({ kind: 'audit' })
  return (event) => lines.info(event)
}
