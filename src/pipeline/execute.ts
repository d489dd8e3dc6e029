import type * as z from 'zod'
import { type Caller, hasRole } from '../domain/caller.ts'
import { AppError, type FieldError, MAX_FIELD_ERRORS, toAppError } from '../domain/errors.ts'
import { isIdentifier } from '../domain/identifiers.ts'
import type { ModelUse } from '../domain/language-model.ts'
import type { LimitName, RateLimiter, RateLimitStatus } from '../domain/rate-limiter.ts'
import { elapsedMs, type Observer } from '../domain/telemetry.ts'
import { MAX_DEPTH, parseInput } from '../domain/validation.ts'
import { isUuid } from '../util/uuid.ts'
import type { CallContext, Operation, Services } from './operation.ts'
import type { Result } from './result.ts'

/** The input object and the members of `parameters` stand above a parameter's own levels. */
const MAX_INPUT_DEPTH = MAX_DEPTH + 4

export interface PipelineDeps {
  services: Services
  limiter: RateLimiter
  observe: Observer
  /** Logs for the operator what callers must not learn of a failure: what to set or to allow. */
  warnOperator: (error: AppError, requestId: string) => void
  /** Logs the cause of an `internal` error, here and nowhere else. */
  reportDefect: (error: unknown, requestId: string) => void
}

/**
 * Runs an operation: authorise → limit → read and check the input → catch up → run → check the output → observe.
 *
 * @param input the input, or a function that reads it: called only for callers that may call at all, so that what
 *   cannot be read is refused and audited like what is not valid.
 * @throws AppError and nothing else.
 */
export type Execute = <Input extends z.ZodObject, Data extends z.ZodType>(
  operation: Operation<Input, Data>,
  input: unknown,
  context: CallContext,
) => Promise<Result<z.input<Data>>>

/** The way into the program for every call, and how busy it is. */
export interface Pipeline {
  execute: Execute
  /** How many calls are running. */
  inFlight: () => number
}

/** THE pipeline. Handlers never check roles, limits or shapes, and never write to the audit log. */
export function createPipeline(deps: PipelineDeps): Pipeline {
  const { services, limiter, observe } = deps
  let inFlight = 0

  const execute: Execute = async (operation, input, context) => {
    const startedAt = performance.now()
    let given = typeof input === 'function' ? context.path : input
    let failure: AppError | undefined
    let use: ModelUse | undefined
    let result: Result<unknown> | undefined
    inFlight++
    try {
      authorise(operation, context.caller)
      if (!context.isCounted)
        await consumeLimit(limiter, context.caller, operation.limit, 1, context.onRateLimit)
      if (typeof input === 'function') given = input()
      const whole = context.parameterPrefix === '' ? operation.wholeBody : undefined
      const valid = parseInput(operation.input, given, MAX_INPUT_DEPTH, whole)
      await services.catalog.catchUp()
      const answer = await operation.run(services, valid, context)
      use = answer.use
      checkOutput(operation, answer)
      result = answer
      return markStale(answer, services.catalog.staleSince())
    } catch (thrown) {
      failure = bounded(toAppError(thrown))
      use ??= failure.modelUse
      report(failure, context, deps)
      throw failure
    } finally {
      inFlight--
      observe({
        kind: 'operation',
        name: operation.name,
        caller: context.caller.subject,
        role: context.caller.role,
        ...subjectOf(operation, given),
        outcome: outcomeOf(failure, context),
        refused: failure?.errors && refusedNames(failure.errors),
        use,
        served: result?.served,
        revision: result?.meta?.revision,
        origin: context.origin,
        durationMs: elapsedMs(startedAt),
        requestId: context.requestId,
      })
    }
  }

  return { execute, inFlight: () => inFlight }
}

/** @throws AppError `forbidden`. */
function authorise({ role, callers }: Operation, caller: Caller): void {
  if (!hasRole(caller, role)) {
    throw new AppError('forbidden', `This needs the role "${role}"; the caller has "${caller.role}".`)
  }
  if (callers && !callers.includes(caller.kind)) {
    throw new AppError(
      'forbidden',
      `This is for callers with a ${callers.join(' or ')}, not with a ${caller.kind}.`,
    )
  }
}

/**
 * Consumes `cost` calls of the caller's limit. Callers without a limit key are not limited.
 *
 * @param onStatus receives what is left, whether or not the calls are allowed.
 * @throws AppError `rate_limited`, or `too_large` for what no minute allows.
 */
export async function consumeLimit(
  limiter: RateLimiter,
  caller: Caller,
  limit: LimitName,
  cost: number,
  onStatus: (status: RateLimitStatus) => void = () => {},
): Promise<void> {
  if (caller.limitKey === undefined) return
  const status = await limiter.consume(caller.limitKey, limit, cost)
  onStatus(status)
  if (!status.allowed) throw exceeded(status, limit, cost)
}

function exceeded(status: RateLimitStatus, limit: LimitName, cost: number): AppError {
  if (cost > status.limit) {
    return new AppError('too_large', `One request may hold ${status.limit} ${limit} calls, not ${cost}.`)
  }
  const message = `More than ${status.limit} ${limit} calls in a minute.`
  return new AppError('rate_limited', message, { retryAfter: Math.max(1, Math.ceil(status.resetSeconds)) })
}

/** A cached answer is checked when it is made. */
function checkOutput({ name, output }: Operation, { data, cached }: Result<unknown>): void {
  if (cached?.isChecked) return
  const { success, error } = output.safeParse(data)
  if (!success) throw new Error(`${name} answered what its schema does not allow`, { cause: error })
  if (cached) cached.isChecked = true
}

function markStale<Data>(result: Result<Data>, since: Date | undefined): Result<Data> {
  if (!since) return result
  const { cached: _, ...rest } = result
  return { ...rest, meta: { ...rest.meta, stale: true, as_of: since.toISOString() } }
}

function bounded(error: AppError): AppError {
  const { code, message, errors, cause } = error
  if (!errors || errors.length <= MAX_FIELD_ERRORS) return error
  return new AppError(code, message, { errors: errors.slice(0, MAX_FIELD_ERRORS), cause })
}

/** Logs what only the operator may know, and marks the failure as audited. */
function report(failure: AppError, { requestId, signal }: CallContext, deps: PipelineDeps): void {
  failure.isAudited = true
  if (failure.code === 'internal') deps.reportDefect(failure.cause ?? failure, requestId)
  else if (failure.operatorMessage !== failure.message && !signal?.aborted)
    deps.warnOperator(failure, requestId)
}

/** A caller that disconnects is no failure of anything. */
function outcomeOf(failure: AppError | undefined, { signal }: CallContext): string {
  if (!failure) return 'ok'
  return signal?.aborted ? 'cancelled' : failure.code
}

/** What a call is about, as far as it is a name: anything else may be a text that a log must not hold. */
function subjectOf({ about = pick }: Operation, input: unknown) {
  const { topic_id, prompt_type, conversation_id } = about((input ?? {}) as Record<string, unknown>)
  const isId = typeof conversation_id === 'string' && isUuid(conversation_id)
  return {
    topic_id: nameIn(topic_id),
    prompt_type: nameIn(prompt_type),
    conversation_id: isId ? conversation_id : undefined,
  }
}

function pick({ topic_id, prompt_type, conversation_id }: Readonly<Record<string, unknown>>) {
  return { topic_id, prompt_type, conversation_id }
}

function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && isIdentifier(value) ? value : undefined
}

function refusedNames(errors: readonly FieldError[]): string[] {
  return errors.map(({ path }) =>
    path.split('.').every((part) => isIdentifier(part)) ? path : '(unknown name)',
  )
}
