import type * as z from 'zod'
import { type Awaitable, andThen, orElse } from '../domain/awaitable.ts'
import { hasRole } from '../domain/caller.ts'
import { AppError, type FieldError, MAX_FIELD_ERRORS, toAppError } from '../domain/errors.ts'
import { isIdentifier } from '../domain/identifiers.ts'
import { MAX_DEPTH } from '../domain/json.ts'
import type { ModelUse } from '../domain/language-model.ts'
import type { LimitName, RateLimiter, RateLimitStatus } from '../domain/rate-limiter.ts'
import { type Audit, elapsedMs, type Measure } from '../domain/telemetry.ts'
import { parseInput } from '../domain/validation.ts'
import type { CallContext, Operation, Result, Services } from './operation.ts'
import { isLasting } from './served.ts'

/** The input object and the members of `parameters` stand above a parameter's own levels. */
const MAX_INPUT_DEPTH = MAX_DEPTH + 4

export interface PipelineDeps {
  services: Services
  limiter: RateLimiter
  audit: Audit
  measure: Measure
  /** Tells the operator what callers must not learn of a failure: what to set or to allow. */
  warnOperator: (error: AppError, requestId: string) => void
  /** Logs the cause of an `internal` error, here and nowhere else. */
  reportDefect: (error: unknown, requestId: string) => void
}

/**
 * Runs an operation: authorise → limit → validate → run → check output → audit → measure.
 *
 * @param input the input, or how to read it, done only for callers that may call at all: what cannot be read is
 *   then refused, and audited, like what is not valid.
 * @throws AppError and nothing else, at once or as a rejection: `await` takes both, and so does Fastify of a handler.
 */
export type Execute = <Input extends z.ZodObject, Data extends z.ZodType>(
  operation: Operation<Input, Data>,
  input: unknown,
  context: CallContext,
) => Awaitable<Result<z.input<Data>>>

/** The way into the program for every call, and how busy it is. */
export interface Pipeline {
  execute: Execute
  /** How many calls are running. */
  inFlight: () => number
}

/** THE pipeline. Handlers never check roles, limits or shapes, and never write to the audit log. */
export function createPipeline({
  services,
  limiter,
  audit,
  measure,
  warnOperator,
  reportDefect,
}: PipelineDeps): Pipeline {
  let running = 0

  const limit = (operation: Operation, context: CallContext) =>
    context.limitsTaken ? undefined : consumeLimit(limiter, context, operation.limit, 1, context.onRateLimit)

  const execute: Execute = (operation, input, context) => {
    const startedAt = performance.now()
    running++
    let given = typeof input === 'function' ? context.path : input
    let use: Partial<ModelUse> | undefined

    const work = () => {
      authorise(operation, context)
      return andThen(limit(operation, context), () => {
        if (typeof input === 'function') given = input()
        const valid = parseInput(operation.input, given, MAX_INPUT_DEPTH)
        return andThen(services.catalog.catchUp(), () =>
          andThen(operation.run(services, valid, context), (answer) => {
            if (operation.asksModel) use = answer.meta
            checkOutput(operation, answer)
            return markStale(answer, services.catalog.staleSince())
          }),
        )
      })
    }

    const end = (outcome: string, faults?: readonly FieldError[]) => {
      running--
      const duration_ms = elapsedMs(startedAt)
      const { topic_id, prompt_type } = subjectOf(given)
      audit({
        event: operation.name,
        caller: context.caller.subject,
        role: context.caller.role,
        topic_id,
        prompt_type,
        outcome,
        refused: faults && refusedNames(faults),
        ...modelFields(use),
        duration_ms,
        request_id: context.requestId,
      })
      measure(operation.name, outcome, duration_ms / 1000, use)
    }

    const fail = (thrown: unknown): never => {
      const failure = bounded(toAppError(thrown))
      use ??= failure.modelUse
      // Who hangs up is no failure of anything.
      const isCancelled = context.signal?.aborted
      end(isCancelled ? 'cancelled' : failure.code, failure.errors)
      if (failure.code === 'internal') reportDefect(failure.cause ?? failure, context.requestId)
      else if (failure.operatorMessage !== failure.message && !isCancelled) {
        warnOperator(failure, context.requestId)
      }
      throw failure
    }

    return andThen(orElse(work, fail), (answer) => {
      end('ok')
      return answer
    })
  }

  return { execute, inFlight: () => running }
}

function modelFields(use: Partial<ModelUse> | undefined): Partial<ModelUse> {
  if (!use) return {}
  const { model, input_tokens, output_tokens, attempts } = use
  return { model, input_tokens, output_tokens, attempts } as Partial<ModelUse>
}

/** Answers that have passed before and will be given again as they are. */
const passed = new WeakSet<object>()

function checkOutput({ name, output }: Operation, answer: Result<unknown>): void {
  if (passed.has(answer)) return
  const { success, error } = output.safeParse(answer.data)
  if (!success) throw new Error(`${name} answered what its schema does not allow`, { cause: error })
  if (isLasting(answer)) passed.add(answer)
}

function bounded(error: AppError): AppError {
  const { code, message, errors, cause } = error
  if (!errors || errors.length <= MAX_FIELD_ERRORS) return error
  return new AppError(code, message, { errors: errors.slice(0, MAX_FIELD_ERRORS), cause })
}

function authorise(operation: Operation, { caller }: CallContext): void {
  if (hasRole(caller, operation.role)) return
  throw new AppError('forbidden', `This needs the role "${operation.role}"; the caller has "${caller.role}".`)
}

/**
 * Takes `cost` calls from the caller's allowance. Callers without a limit key are not limited.
 *
 * @param onTaken told what is left, whether or not the calls are allowed.
 * @throws AppError `rate_limited`, or `too_large` for what no minute allows.
 */
export function consumeLimit(
  limiter: RateLimiter,
  { caller }: Pick<CallContext, 'caller'>,
  limit: LimitName,
  cost: number,
  onTaken: (allowance: RateLimitStatus) => void = () => {},
): Awaitable<void> {
  if (caller.limitKey === undefined) return
  return andThen(limiter.consume(caller.limitKey, limit, cost), (allowance) => {
    onTaken(allowance)
    if (!allowance.allowed) throw usedUp(allowance, limit, cost)
  })
}

function usedUp(allowance: RateLimitStatus, limit: LimitName, cost: number): AppError {
  if (cost > allowance.limit) {
    return new AppError('too_large', `One request may hold ${allowance.limit} ${limit} calls, not ${cost}.`)
  }
  const message = `More than ${allowance.limit} ${limit} calls in a minute.`
  return new AppError('rate_limited', message, { retryAfter: Math.max(1, Math.ceil(allowance.resetSeconds)) })
}

function markStale<Data>(answer: Result<Data>, since: Date | undefined): Result<Data> {
  return since ? { ...answer, meta: { ...answer.meta, stale: true, as_of: since.toISOString() } } : answer
}

/** What a call is about, as far as it is a name: anything else may be a text that a log must not hold. */
function subjectOf(input: unknown): { topic_id: string | undefined; prompt_type: string | undefined } {
  // MCP calls the id of a prompt's topic its name.
  const { name, topic_id = name, prompt_type } = (input ?? {}) as Record<string, unknown>
  return { topic_id: nameIn(topic_id), prompt_type: nameIn(prompt_type) }
}

function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && isIdentifier(value) ? value : undefined
}

function refusedNames(faults: readonly { path: string }[]): string[] {
  return faults.map(({ path }) =>
    path.split('.').every((part) => isIdentifier(part)) ? path : '(unknown name)',
  )
}
