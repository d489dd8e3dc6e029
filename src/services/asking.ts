import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { AppError } from '../domain/errors.ts'
import {
  type LanguageModel,
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type ModelUse,
} from '../domain/language-model.ts'
import type { Topic } from '../domain/topic.ts'

/** Calls of models at the same time in this process, and how many more may wait for their turn. */
const MAX_RUNNING = 32
const MAX_WAITING = 64
const QUEUE_RETRY_SECONDS = 2
/** Before another attempt: so long, doubled each time, with jitter. */
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 5_000

export interface ModelSettings {
  /** Loads the model's client; missing when no provider is chosen. */
  open?: (() => Promise<LanguageModel>) | undefined
  /** The model that every topic is answered by, whatever it names. */
  override?: string | undefined
  /** The model of topics that name none. */
  fallback?: string | undefined
  /** Time for everything that one call of ours does with models. */
  timeoutMs: number
}

/** Asks one model, within the time of one call. */
export interface Asking {
  use: ModelUse
  /**
   * One answer. What fails in passing is tried again, unless some of the answer has been shown already.
   *
   * @param onDelta see {@link LanguageModel}.
   * @param isShown whether something of what came was shown to somebody.
   * @throws AppError `model_error`
   */
  ask(
    request: Omit<ModelRequest, 'model'>,
    onDelta?: (delta: string) => void,
    isShown?: () => boolean,
  ): Promise<ModelReply>
}

export interface Asker {
  /**
   * Works with the model of `topic`: waits for a turn, sees that time does not run out, and ends everything when
   * `signal` says that nobody wants the answer any more.
   *
   * @throws AppError `model_not_configured`, `rate_limited` when too many are waiting, `model_error`; with what the
   *   model was used for until then.
   */
  withModel<T>(
    topic: Topic,
    signal: AbortSignal | undefined,
    work: (asking: Asking) => Promise<T>,
  ): Promise<T>
}

/** The one way to language models: turns, time, patience. */
export function createAsker({ open, override, fallback, timeoutMs }: ModelSettings): Asker {
  const turns = pLimit(MAX_RUNNING)
  let opened: Promise<LanguageModel> | undefined

  function modelOf({ topic_id, config }: Topic): string {
    const model = override ?? config.default_model ?? fallback
    if (model !== undefined) return model
    const message = `Topic "${topic_id}" names no model.`
    const forOperator = `${message} Set config.default_model of the topic, or PROMPTS_LLM_MODEL for all that name none.`
    throw new AppError('model_not_configured', message, { forOperator })
  }

  return {
    async withModel(topic, signal, work) {
      if (!open) throw noProvider()
      const use: ModelUse = { model: modelOf(topic), input_tokens: 0, output_tokens: 0, attempts: 0 }
      if (turns.pendingCount >= MAX_WAITING) {
        const message = 'Too many calls are waiting for a model.'
        throw new AppError('rate_limited', message, { retryAfter: QUEUE_RETRY_SECONDS })
      }
      opened ??= open()
      const language = await opened
      const budget = withinBudget(timeoutMs, signal, use)
      try {
        // A plain controller and a timer: combined signals may be collected before they fire.
        const turn = turns(() =>
          budget.signal.aborted ? undefined : work(asking(language, use, budget.signal)),
        )
        return (await Promise.race([turn, budget.ended])) as Awaited<ReturnType<typeof work>>
      } finally {
        budget.close()
      }
    },
  }
}

function asking(language: LanguageModel, use: ModelUse, signal: AbortSignal): Asking {
  return {
    use,
    async ask(request, onDelta, isShown = () => false) {
      for (let retries = 0; ; retries++) {
        use.attempts++
        try {
          const reply = await language.ask({ ...request, model: use.model }, { signal, onDelta })
          use.input_tokens += reply.usage.inputTokens
          use.output_tokens += reply.usage.outputTokens
          return reply
        } catch (error) {
          if (!(error instanceof ModelFailure)) throw error
          if (error.kind !== 'passing' || isShown()) throw modelError(error, use)
          const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retries) * (0.5 + Math.random() / 2)
          await sleep(pause, undefined, { signal })
        }
      }
    },
  }
}

function modelError(failure: ModelFailure, modelUse: ModelUse): AppError {
  const { message, forOperator } = failure
  return new AppError('model_error', message, { forOperator, modelUse, cause: failure })
}

function noProvider(): AppError {
  const message = 'No language model is set up.'
  const forOperator = `${message} Set PROMPTS_LLM to bedrock, or to openai with PROMPTS_LLM_BASE_URL (docs/analysis.md).`
  return new AppError('model_not_configured', message, { forOperator })
}

/** A signal that fires when the time is up or `outer` fires, and a promise that then rejects with the reason. */
function withinBudget(timeoutMs: number, outer: AbortSignal | undefined, modelUse: ModelUse) {
  const controller = new AbortController()
  let reject: (reason: AppError) => void = () => {}
  const ended = new Promise<never>((_, rejectEnded) => {
    reject = rejectEnded
  })
  const end = (message: string) => {
    const reason = new AppError('model_error', message, { modelUse })
    reject(reason)
    controller.abort(reason)
  }
  const onAbort = () => end('The caller has gone away.')
  const timer = setTimeout(
    () => end(`The model gave no answer within ${timeoutMs / 1000} seconds.`),
    timeoutMs,
  )
  outer?.addEventListener('abort', onAbort, { once: true })
  // Nobody may be waiting for it any more.
  ended.catch(() => {})
  if (outer?.aborted) onAbort()
  return {
    signal: controller.signal,
    ended,
    close() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onAbort)
    },
  }
}
