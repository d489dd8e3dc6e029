import type { ModelUse } from './language-model.ts'

/** One line of the audit log (spec §5). Never holds a secret, a prompt text or a parameter value. */
export interface AuditEvent extends Partial<ModelUse> {
  /** The operation's name, or `authenticate`. */
  event: string
  /** Who: see {@link Caller.subject}; for a refused key its public prefix. */
  caller: string
  role?: string | undefined
  /** Where a refused authentication came from. */
  address?: string
  topic_id?: string | undefined
  prompt_type?: string | undefined
  /** `ok`, an error code, or `cancelled` when the caller hung up on a model. */
  outcome: string
  /** Names of refused fields, never their values. */
  refused?: string[] | undefined
  duration_ms: number
  request_id: string
}

/** Milliseconds since `startedAt` by `performance.now()`, to a hundredth: `duration_ms` of an {@link AuditEvent}. */
export function elapsedMs(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 100) / 100
}

/** Keeps the audit log. Never throws. */
export type Audit = (event: AuditEvent) => void

/** Counts and times operations, and what models were used for. Never throws. */
export type Measure = (operation: string, outcome: string, seconds: number, use?: Partial<ModelUse>) => void
