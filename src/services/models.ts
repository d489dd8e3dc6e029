import { AppError } from '../domain/errors.ts'
import {
  type LanguageModel,
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type ModelUse,
} from '../domain/language-model.ts'
import type { Topic } from '../domain/topic.ts'
import { lazily } from '../util/lazily.ts'
import { backoffMs, raceAbort, sleep, startDeadline } from '../util/time.ts'
import { recorded, startUse } from './model-use.ts'
import { createSemaphore } from './semaphore.ts'

/** Tokens of an answer, unless the topic's `max_tokens` says otherwise. */
export const DEFAULT_MAX_TOKENS = 2_048
/** Calls at the same time in this process, and how many more may wait. */
const MAX_RUNNING = 32
const MAX_WAITING = 64
/** Waiting of less time is not worth telling. */
const UNTOLD_MS = 1_000
/** Half of the pause before another attempt; the other half is random. */
const HALF_PAUSE = { firstMs: 100, mostMs: 2_500 }

export interface ModelSettings {
  /** Loads the provider's adapter; missing when no provider is chosen. */
  open?: (() => Promise<LanguageModel>) | undefined
  /** The model to use for every topic, whichever it names. */
  override?: string | undefined
  /** The model of topics that name none. */
  fallback?: string | undefined
  /** Time in milliseconds for one call of {@link ModelClient.withModel}, with waiting and retries. */
  timeoutMs: number
  /** Is told, once in a call, that it waits for a model that fails, and why; for the person who waits. */
  onWait?: ((message: string) => void) | undefined
}

/** One topic's model, for the time of one call. */
export interface ModelSession {
  /** What the model was used for so far. */
  use: ModelUse
  /**
   * Asks for one answer. Transient failures are retried while there is time, unless some of the answer has been shown
   * already.
   *
   * @param onDelta see {@link LanguageModel}.
   * @param isShown whether any of the deltas so far was shown to a user.
   * @throws AppError `model_error`
   */
  ask(
    request: Omit<ModelRequest, 'model'>,
    onDelta?: (delta: string) => void,
    isShown?: () => boolean,
  ): Promise<ModelReply>
}

/** What of a topic decides about its model. */
type TopicModel = Pick<Topic, 'topic_id' | 'config'>

/**
 * Calls language models, with a limit of calls at the same time, a time limit and retries.
 *
 * @example
 * const reply = await models.withModel(topic, signal, (session) =>
 *   session.ask({ system: [], messages, maxTokens: 500, temperature: undefined, config: topic.config }),
 * )
 */
export interface ModelClient {
  /**
   * The name of a topic's model.
   *
   * @throws AppError `model_not_configured` when nothing names one.
   */
  modelNameOf(topic: TopicModel): string

  /**
   * Runs `work` with a topic's model, or with the one of this name, once there is room for another call, and ends it when its time is up or
   * `signal` fires.
   *
   * @throws AppError `model_not_configured`, `rate_limited` when too many calls are waiting, `model_error` with the use
   *   of the model so far; what `work` throws.
   */
  withModel<T>(
    model: TopicModel | { name: string },
    signal: AbortSignal | undefined,
    work: (session: ModelSession) => Promise<T>,
  ): Promise<T>

  /** How many calls run, and how many wait for their turn. */
  load(): { running: number; waiting: number }

  /** Ends all running calls with a `model_error`, because the server is shutting down. */
  abortAll(): void
}

export function createModelClient({
  open,
  override,
  fallback,
  timeoutMs,
  onWait,
}: ModelSettings): ModelClient {
  const semaphore = createSemaphore(MAX_RUNNING, MAX_WAITING)
  const calls = new Set<ModelCall>()
  const openModel = open && lazily(open)

  function modelNameOf({ topic_id, config }: TopicModel): string {
    const name = override ?? config.default_model ?? fallback
    if (name !== undefined) return name
    if (!open) throw noProvider()
    const message = `Topic "${topic_id}" names no model.`
    const operatorMessage = `${message} Set config.default_model of the topic, or PROMPTS_LLM_MODEL for all that name none.`
    throw new AppError('model_not_configured', message, { operatorMessage })
  }

  async function runInSession<T>(
    call: ModelCall,
    load: () => Promise<LanguageModel>,
    work: (session: ModelSession) => Promise<T>,
  ): Promise<T> {
    const release = await semaphore.acquire(call.signal)
    try {
      return await work(createSession(await load(), call))
    } finally {
      release()
    }
  }

  return {
    modelNameOf,

    async withModel(model, signal, work) {
      if (!openModel) throw noProvider()
      const use = startUse('name' in model ? model.name : modelNameOf(model))
      const call = startCall({ timeoutMs, onWait }, signal, use)
      calls.add(call)
      try {
        return await raceAbort(runInSession(call, openModel, work), call.signal)
      } finally {
        call.close()
        calls.delete(call)
      }
    },

    load: semaphore.load,

    abortAll() {
      for (const call of calls) call.abort('The server is shutting down.')
    },
  }
}

function createSession(model: LanguageModel, call: ModelCall): ModelSession {
  const { use, signal } = call
  return {
    use,
    async ask(request, onDelta, isShown = () => false) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await recorded(use, onDelta, (onDelta) =>
            model.ask({ ...request, model: use.model }, { signal, onDelta }),
          )
        } catch (error) {
          if (!(error instanceof ModelFailure)) throw error
          call.lastFailure = error
          const pauseMs = pauseAfter(error, attempt)
          const hasTime = pauseMs < call.remainingMs()
          const mayRetry = error.kind === 'transient' && !isShown() && hasTime
          if (!mayRetry) throw modelError(error, use)
          call.tellWait(error, pauseMs)
          await sleep(pauseMs, signal)
        }
      }
    },
  }
}

/** The provider's wait, or a longer one each time; with jitter, so that callers do not all return at once. */
function pauseAfter({ retryAfterMs = 0 }: ModelFailure, attempt: number): number {
  const jitter = backoffMs({ ...HALF_PAUSE, jitter: 1 }, attempt)
  return Math.max(retryAfterMs, backoffMs(HALF_PAUSE, attempt)) + jitter
}

function modelError(failure: ModelFailure, modelUse: ModelUse): AppError {
  const { message, operatorMessage } = failure
  return new AppError('model_error', message, { operatorMessage, modelUse, cause: failure })
}

function noProvider(): AppError {
  const message = 'No language model is set up.'
  const operatorMessage = `${message} Set PROMPTS_LLM to bedrock, or to openai with PROMPTS_LLM_BASE_URL (docs/analysis.md).`
  return new AppError('model_not_configured', message, { operatorMessage })
}

/** The time of one call of {@link ModelClient.withModel}. */
interface ModelCall {
  use: ModelUse
  /** Fires with a `model_error` when the time is up, the caller has gone or the server shuts down. */
  signal: AbortSignal
  remainingMs(): number
  /** Why the last attempt failed; part of the error when the call is ended during another attempt. */
  lastFailure: ModelFailure | undefined
  /** Tells that another attempt is made after a pause, unless the wait is short or was told already. */
  tellWait(failure: ModelFailure, pauseMs: number): void
  abort(message: string): void
  /** Stops the clock. */
  close(): void
}

/** @param outer the caller's signal. */
function startCall(
  { timeoutMs, onWait }: Pick<ModelSettings, 'timeoutMs' | 'onWait'>,
  outer: AbortSignal | undefined,
  use: ModelUse,
): ModelCall {
  const timeoutMessage = `The model gave no answer within ${timeoutMs / 1000} seconds.`
  const deadline = startDeadline(timeoutMs, { onTimeout: () => endedError(timeoutMessage, call) })
  // Not the deadline's own `outer`: the reason has to be ours, with the use of the model.
  const onOuterAbort = () => call.abort('The caller has gone away.')
  let isTold = false
  const call: ModelCall = {
    use,
    signal: deadline.signal,
    remainingMs: deadline.remainingMs,
    lastFailure: undefined,
    tellWait({ operatorMessage }, pauseMs) {
      if (isTold || timeoutMs - deadline.remainingMs() + pauseMs < UNTOLD_MS) return
      isTold = true
      onWait?.(`Waiting up to ${timeoutMs / 1000} seconds for the model. ${operatorMessage}`)
    },
    abort: (message) => deadline.abort(endedError(message, call)),
    close() {
      deadline.clear()
      outer?.removeEventListener('abort', onOuterAbort)
    },
  }
  outer?.addEventListener('abort', onOuterAbort, { once: true })
  if (outer?.aborted) onOuterAbort()
  return call
}

function endedError(message: string, { use, lastFailure }: ModelCall): AppError {
  if (!lastFailure) return new AppError('model_error', message, { modelUse: use })
  const withLast = (last: string) => `${message} The last attempt: ${last}`
  return new AppError('model_error', withLast(lastFailure.message), {
    modelUse: use,
    operatorMessage: withLast(lastFailure.operatorMessage),
  })
}
