import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { AppError } from '../../domain/errors.ts'
import { type BackoffOptions, backoffMs, raceAbort, startDeadline } from '../../util/time.ts'
import { type AwsCall, awsFailure } from './failures.ts'

/** Time for one call with all its retries. Writes get more: giving up on one leaves its outcome unknown. */
const READ_BUDGET_MS = 3_000
export const WRITE_BUDGET_MS = 8_000

/** Time for one attempt: a lost request is sent again while there is time. */
const ATTEMPT_MS = 1_500
const CONNECT_MS = 1_000
const MAX_ATTEMPTS = 10
/** Pauses between attempts, with full jitter: writers that got in each other's way must not meet again. */
export const AWS_BACKOFF: BackoffOptions = { firstMs: 50, mostMs: 400, jitter: 1 }
/** A batch of 100 topics reads 200 bodies at once. */
const MAX_SOCKETS = 128

type RetryStrategy = Exclude<NonNullable<DynamoDBClientConfig['retryStrategy']>, { retry: unknown }>
type RetryToken = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>

/**
 * Retries with jitter until the call's time is up. The SDK's own strategy also keeps an account of retries, which an
 * outage empties: then it gives up at once for minutes after. Here time is the only limit.
 *
 * @param onThrottled called for every attempt that is throttled.
 */
export function retryStrategy(onThrottled: () => void): RetryStrategy {
  return {
    acquireInitialRetryToken: async () => tokenAfter(0),
    async refreshRetryTokenForRetry(token, { errorType }) {
      if (errorType === 'THROTTLING') onThrottled()
      const retries = token.getRetryCount() + 1
      const isPassing = errorType === 'THROTTLING' || errorType === 'TRANSIENT'
      if (!isPassing || retries >= MAX_ATTEMPTS) throw new Error('no further attempt')
      await new Promise((resolve) => setTimeout(resolve, backoffMs(AWS_BACKOFF, retries)))
      return tokenAfter(retries)
    },
    recordSuccess: () => {},
  }
}

function tokenAfter(retries: number): RetryToken {
  return { getRetryCount: () => retries, getRetryDelay: () => 0 }
}

/** Settings of every AWS client. Region, credentials and endpoints are found as the SDK finds them. */
export const clientSettings = {
  retryStrategy: retryStrategy(() => {}),
  requestHandler: {
    connectionTimeout: CONNECT_MS,
    requestTimeout: ATTEMPT_MS,
    throwOnRequestTimeout: true,
    httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
  },
}

/**
 * Runs one call within a time budget.
 *
 * @param call names the call in its failure, for the operator.
 * @param budgetMs default: {@link READ_BUDGET_MS}.
 * @throws AppError `unavailable`; {@link causeOf} names AWS's own error.
 */
export async function callAws<T>(
  call: AwsCall,
  work: (options: { abortSignal: AbortSignal }) => Promise<T>,
  budgetMs = READ_BUDGET_MS,
): Promise<T> {
  const deadline = startDeadline(budgetMs)
  const { signal } = deadline
  try {
    // Not every part of the SDK listens to the signal.
    return await raceAbort(work({ abortSignal: signal }), signal)
  } catch (error) {
    throw awsFailure(call, error)
  } finally {
    deadline.clear()
  }
}

/** The name of AWS's own error behind a failure of {@link callAws}, for example `ConditionalCheckFailedException`. */
export function causeOf(thrown: unknown): string | undefined {
  return ((thrown as AppError).cause as Error | undefined)?.name
}
