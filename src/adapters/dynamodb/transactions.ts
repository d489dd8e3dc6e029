import type { CancellationReason, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb'
import type { AppError } from '../../domain/errors.ts'
import { causeOf } from '../aws/calls.ts'

/** One write of a transaction. */
export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

/** Why each write of a transaction was refused, in their order; empty for an error of another kind. */
export function refusalsIn(error: unknown): CancellationReason[] {
  if (causeOf(error) !== 'TransactionCanceledException') return []
  return ((error as AppError).cause as TransactionCanceledException).CancellationReasons ?? []
}

/** Whether a write that was refused with this code may succeed if it is tried again. */
export function isPassing(code: string): boolean {
  return /^(TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded)$/.test(code)
}
