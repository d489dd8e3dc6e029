import { ERROR_CODES, type ErrorCode } from '../../domain/errors.ts'
import type { ModelAttempt } from '../../domain/language-model.ts'
import type { CallEvent } from '../../domain/telemetry.ts'
import { TOOL_ERROR } from './conventions.ts'

/** `error.type` of a call: how its caller saw it fail. `undefined` when it did not. */
export function errorTypeOf({ outcome, origin }: CallEvent): string | undefined {
  if (outcome === 'ok') return undefined
  if (!origin?.mcp || outcome === 'cancelled') return outcome
  return origin.mcp.tool === undefined ? String(jsonRpcCode(outcome)) : TOOL_ERROR
}

export function jsonRpcCode(outcome: string): number {
  return ERROR_CODES[outcome as ErrorCode].jsonrpc
}

/** Whether the fault is the server's: what is wrong with a request is its caller's matter. */
export function isServerFault(outcome: string): boolean {
  return (ERROR_CODES[outcome as ErrorCode]?.http ?? 0) >= 500
}

/** `error.type` of a request to a model: one that still runs when its call has ended was given up. */
export function failureOf({ endedAt, failure }: ModelAttempt): ModelAttempt['failure'] {
  return endedAt === undefined ? 'aborted' : failure
}
