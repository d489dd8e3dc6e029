import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../domain/errors.ts'
import {
  type LanguageModel,
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type ModelUse,
  type TokenCount,
} from '../domain/language-model.ts'
import type { Topic } from '../domain/topic.ts'
import { createSemaphore } from './semaphore.ts'

/** Calls of models at the same time in this process, and how many more may wait for their turn. */
const MAX_RUNNING = 32
const MAX_WAITING = 64
/** How often what fails in passing is tried. */
const MAX_ATTEMPTS = 8
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
export interface ModelSession {
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

export interface ModelClient {
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
    work: (asking: ModelSession) => Promise<T>,
  ): Promise<T>

  /** Ends all calls that are running, as failures: the program is about to end. */
  abortAll(): void
}

/** The one way to language models: turns, time, patience. */
export function createModelClient({ open, override, fallback, timeoutMs }: ModelSettings): ModelClient {
  const turns = createSemaphore(MAX_RUNNING, MAX_WAITING)
  const budgets = new Set<Budget>()
  let opened: Promise<LanguageModel> | undefined

  function modelOf({ topic_id, config }: Topic): string {
    const model = override ?? config.default_model ?? fallback
    if (model !== undefined) return model
    const message = `Topic "${topic_id}" names no model.`
    const operatorMessage = `${message} Set config.default_model of the topic, or PROMPTS_LLM_MODEL for all that name none.`
    throw new AppError('model_not_configured', message, { operatorMessage })
  }

  async function runOne<T>(
    budget: Budget,
    load: () => Promise<LanguageModel>,
    work: (asking: ModelSession) => Promise<T>,
  ) {
    const giveBack = await turns.acquire(budget.signal)
    try {
      opened ??= load()
      return await work(askingOf(await opened, budget))
    } finally {
      giveBack()
    }
  }

  return {
    async withModel(topic, signal, work) {
      if (!open) throw noProvider()
      const use = { model: modelOf(topic), input_tokens: 0, output_tokens: 0, attempts: 0 }
      const budget = openBudget(timeoutMs, signal, use)
      budgets.add(budget)
      try {
        return await Promise.race([runOne(budget, open, work), budget.ended])
      } finally {
        budget.close()
        budgets.delete(budget)
      }
    },

    abortAll() {
      for (const budget of budgets) budget.end('The server is shutting down.')
    },
  }
}

function askingOf(language: LanguageModel, budget: Budget): ModelSession {
  const { use, signal } = budget
  return {
    use,
    async ask(request, onDelta, isShown = () => false) {
      for (let attempt = 1; ; attempt++) {
        use.attempts++
        try {
          const reply = await language.ask({ ...request, model: use.model }, { signal, onDelta })
          count(use, reply.usage)
          return reply
        } catch (error) {
          if (!(error instanceof ModelFailure)) throw error
          count(use, error.usage)
          budget.lastFailure = error
          const pause = pauseAfter(error, attempt)
          const isInTime = pause < budget.remainingMs()
          const isLast = error.kind !== 'transient' || isShown() || attempt === MAX_ATTEMPTS || !isInTime
          if (isLast) throw modelError(error, use)
          await sleep(pause, undefined, { signal })
        }
      }
    },
  }
}

function count(
  use: ModelUse,
  { inputTokens, outputTokens }: TokenCount = { inputTokens: 0, outputTokens: 0 },
): void {
  use.input_tokens += inputTokens
  use.output_tokens += outputTokens
}

/** What the model asks for, or longer each time; with jitter, so that callers do not all come back at once. */
function pauseAfter({ retryAfterMs = 0 }: ModelFailure, attempt: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1))
  return Math.max(retryAfterMs, pause / 2) + (pause / 2) * Math.random()
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

/** The time of one call. */
interface Budget {
  use: ModelUse
  /** Fires when the time is up, or nobody wants the answer any more. */
  signal: AbortSignal
  remainingMs(): number
  /** Rejects then, with the reason. */
  ended: Promise<never>
  /** Why the last attempt failed: told when the time is up while another one is made. */
  lastFailure: ModelFailure | undefined
  end(message: string): void
  close(): void
}

function openBudget(timeoutMs: number, outer: AbortSignal | undefined, use: ModelUse): Budget {
  // A plain controller and a timer: combined signals may be collected before they fire.
  const controller = new AbortController()
  const endsAt = performance.now() + timeoutMs
  let reject: (reason: AppError) => void = () => {}
  const ended = new Promise<never>((_, rejectEnded) => {
    reject = rejectEnded
  })
  // Nobody may be waiting for it any more.
  ended.catch(() => {})
  const onAbort = () => budget.end('The caller has gone away.')
  const timer = setTimeout(
    () => budget.end(`The model gave no answer within ${timeoutMs / 1000} seconds.`),
    timeoutMs,
  )
  const budget: Budget = {
    use,
    signal: controller.signal,
    remainingMs: () => endsAt - performance.now(),
    ended,
    lastFailure: undefined,
    end(message) {
      const { lastFailure } = budget
      const told = (reason: string) => `${message} The last attempt: ${reason}`
      const reason = new AppError('model_error', lastFailure ? told(lastFailure.message) : message, {
        modelUse: use,
        ...(lastFailure && { operatorMessage: told(lastFailure.operatorMessage) }),
      })
      reject(reason)
      controller.abort(reason)
    },
    close() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', onAbort)
    },
  }
  outer?.addEventListener('abort', onAbort, { once: true })
  if (outer?.aborted) onAbort()
  return budget
}
