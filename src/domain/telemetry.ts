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
  /** Of an authentication: what was presented. */
  credential?: CredentialKind
  /** Of the topic that was answered. */
  revision?: number | undefined
  /** Where the call comes from. */
  origin?: CallOrigin | undefined
  /** Ids of the topics that the caller was served. */
  served?: readonly string[] | undefined
  /** Milliseconds, to a hundredth. */
  durationMs: number
  requestId: string
}

/** What a request presents to say who sends it; `several` and `none` are refused. */
export type CredentialKind = 'key' | 'token' | 'session' | 'sign_in' | 'several' | 'none'

/** Where a call comes from, for traces. Members that clients write are not checked yet. */
export interface CallOrigin {
  /** The HTTP request's header `traceparent` (W3C Trace Context). */
  traceparent?: string | undefined
  /** The MCP message that asks for the call. */
  mcp?: McpMessage
}

export interface McpMessage {
  method: string
  /** The tool that is called. */
  tool?: string | undefined
  id?: string | number | undefined
  protocolVersion?: string | undefined
  transport: 'pipe' | 'tcp'
  /** `params._meta.traceparent` (SEP-414). */
  traceparent?: unknown
}

/** What the program holds and how busy it is, at one moment. */
export interface Figures {
  topics: number
  /** Topics that cannot be used until they are fixed. */
  invalidTopics: number
  textBytes: number
  /** Texts of a topic that were in memory when they were asked for, and that were not, since the start. */
  textHits: number
  textMisses: number
  /** Since the store was last looked at with success. */
  storeReadAgeMs: number
  /** Since the store is out of reach; 0 when it is not. */
  staleMs: number
  callsInFlight: number
  /** Calls of models that run, and that wait for their turn. */
  modelCallsRunning: number
  modelCallsWaiting: number
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
