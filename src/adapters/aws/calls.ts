import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { AppError } from '../../domain/errors.ts'
import { type AwsPlace, awsFailure } from './failures.ts'

/** Time for one call with all its retries. Writes get longer: giving up on one leaves its outcome unknown. */
const READ_BUDGET_MS = 3_000
export const WRITE_BUDGET_MS = 8_000

/** Time for one attempt: a request that got lost is sent again while there is time. */
const ATTEMPT_MS = 1_500
const CONNECT_MS = 1_000
const MAX_ATTEMPTS = 10
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 400
/** A batch of 100 topics reads 200 bodies at once. */
const MAX_SOCKETS = 128

type RetryStrategy = Exclude<NonNullable<DynamoDBClientConfig['retryStrategy']>, { retry: unknown }>
type RetryToken = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>

/**
 * Retries with jitter until the call's time is up. The SDK's own strategy also keeps an account of retries, which an
 * outage empties: then it gives up at once for minutes after. Here time is the only limit.
 */
const retryStrategy: RetryStrategy = {
  acquireInitialRetryToken: async () => tokenAfter(0),
  async refreshRetryTokenForRetry(token, { errorType }) {
    const retries = token.getRetryCount() + 1
    const isPassing = errorType === 'THROTTLING' || errorType === 'TRANSIENT'
    if (!isPassing || retries >= MAX_ATTEMPTS) throw new Error('no further attempt')
    await new Promise((resolve) => setTimeout(resolve, pauseBefore(retries)))
    return tokenAfter(retries)
  },
  recordSuccess: () => {},
}

function tokenAfter(retries: number): RetryToken {
  return { getRetryCount: () => retries, getRetryDelay: () => 0 }
}

/** Milliseconds, with full jitter, before the `retries`-th retry. */
export function pauseBefore(retries: number): number {
  return Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retries)
}

/** What every AWS client of ours is made with. Region, credentials and endpoints are found as the SDK finds them. */
export const clientSettings = {
  retryStrategy,
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
 * @param place what is called, for the operator who reads of its failure.
 * @param budgetMs default: {@link READ_BUDGET_MS}.
 * @throws AppError `unavailable`; {@link causeOf} tells what AWS said.
 */
export async function callAws<T>(
  place: AwsPlace,
  work: (options: { abortSignal: AbortSignal }) => Promise<T>,
  budgetMs = READ_BUDGET_MS,
): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(Object.assign(new Error(`no answer within ${budgetMs} ms`), { name: 'TimeoutError' }))
    }, budgetMs)
  })
  try {
    return await Promise.race([work({ abortSignal: controller.signal }), timeUp])
  } catch (error) {
    throw awsFailure(place, error)
  } finally {
    clearTimeout(timer)
  }
}

/** The name of AWS's own error behind a failure of {@link callAws}, for example `ConditionalCheckFailedException`. */
export function causeOf(thrown: unknown): string | undefined {
  return ((thrown as AppError).cause as Error | undefined)?.name
}
