import type { ModelUse } from './language-model.ts'

/**
 * Something that was asked of the program and has ended: a call of an operation, an authentication, or a request that
 * was refused on its way to an operation. Never holds a secret, a prompt text or a parameter value.
 */
export interface CallEvent {
  kind: 'operation' | 'authentication' | 'request'
  /** The operation's name, `authenticate` or `request`. */
  name: string
  /** See {@link Caller.subject}; for a refused key its public prefix. */
  caller: string
  role?: string
  /** Where a refused authentication came from. */
  address?: string
  /** What the call is about, as far as it is an identifier. */
  topic_id?: string | undefined
  prompt_type?: string | undefined
  conversation_id?: string | undefined
  /** `ok`, an error code, or `cancelled` when the caller disconnected while a model was working. */
  outcome: string
  /** Names of refused fields, never their values. */
  refused?: string[] | undefined
  /** What a model was used for. */
  use?: ModelUse | undefined
  /** Ids of the topics that the caller was served. */
  served?: readonly string[] | undefined
  /** Milliseconds, to a hundredth. */
  durationMs: number
  requestId: string
}

/**
 * Is told of every {@link CallEvent}: the audit log, metrics. Never throws, and never waits.
 *
 * @example const counting: Observer = ({ outcome }) => counter.inc({ outcome })
 */
export type Observer = (event: CallEvent) => void

/** One observer that tells all of `observers`, in their order. */
export function observers(all: readonly Observer[]): Observer {
  return (event) => {
    for (const observe of all) observe(event)
  }
}

/** Milliseconds since `startedAt` by `performance.now()`, to a hundredth: `durationMs` of a {@link CallEvent}. */
export function elapsedMs(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 100) / 100
}
