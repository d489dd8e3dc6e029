import { randomUUID } from 'node:crypto'
import type {
  AssistantMessage,
  Conversation,
  ConversationStore,
  Lease,
  Turn,
} from '../../domain/conversation.ts'
import { AppError, toAppError } from '../../domain/errors.ts'
import type { ModelUse } from '../../domain/language-model.ts'
import { backoffMs, type Clock, sleep } from '../../util/time.ts'
import { askCoach } from '../coaching.ts'
import { DEFAULT_MAX_TOKENS, type ModelClient } from '../models.ts'
import { turnEnded } from './failures.ts'
import { isLive, keepLease } from './lease.ts'
import { createLiveAnswer, type LiveAnswer } from './live-answer.ts'
import { sentMessages } from './window.ts'

/** Between attempts to store an answer. */
const PAUSE = { firstMs: 100, mostMs: 1_000 }

export interface TurnDeps {
  store: ConversationStore
  models: ModelClient
  clock: Clock
}

/** A turn that this process is answering, however many callers wait for it. */
export interface TurnRun {
  /** As it was taken. */
  readonly lease: Lease
  readonly live: LiveAnswer
  /** The answer once it is stored; rejects with an AppError once the lease is released. */
  readonly answer: Promise<AssistantMessage>
  /** Ends the call of the model; `answer` rejects with `reason`, unless it has been stored. */
  abort(reason: AppError): void
}

/**
 * Answers a turn whose message is stored and whose lease is taken: asks the model, stores the answer, releases the lease.
 * It is bound to the model's time, to its lease and to {@link TurnRun.abort}, and to no caller.
 */
export function runTurn(deps: TurnDeps, conversation: Conversation, turn: Turn, taken: Lease): TurnRun {
  const { store, clock } = deps
  const { owner, conversation_id } = conversation
  const stop = new AbortController()
  const live = createLiveAnswer()
  const lease = keepLease(taken, {
    renew: (renewed) => store.renewLease(owner, conversation_id, renewed),
    clock,
    onLost: (reason) => stop.abort(reason),
  })

  async function answerTurn(): Promise<AssistantMessage> {
    let use: ModelUse | undefined
    try {
      const assistant = await askModel(deps, conversation, turn, { signal: stop.signal, live })
      use = assistant.use
      // From here on the store decides: a renewal after an answer that was stored would find the lease lost.
      lease.stop()
      await storeAnswer(assistant)
      return assistant
    } catch (thrown) {
      lease.stop()
      await releaseQuietly()
      throw failureOf(thrown, stop.signal, use)
    }
  }

  /** Repeats while the lease lives, so that a short outage costs no answer. */
  async function storeAnswer(assistant: AssistantMessage): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        if (await store.finishTurn(owner, conversation_id, lease.current(), assistant)) return
        throw turnEnded()
      } catch (error) {
        const isOutage = error instanceof AppError && error.code === 'unavailable'
        if (!isOutage || !isLive(lease.current(), clock)) throw error
        await sleep(backoffMs(PAUSE, failures), stop.signal)
      }
    }
  }

  /** A lease that cannot be released expires. */
  async function releaseQuietly(): Promise<void> {
    await store.releaseLease(owner, conversation_id, taken.token).catch(() => {})
  }

  const answer = answerTurn()
  // It may fail after every caller has gone.
  answer.catch(() => {})
  return { lease: taken, live, answer, abort: (reason) => stop.abort(reason) }
}

async function askModel(
  { models, clock }: TurnDeps,
  conversation: Conversation,
  turn: Turn,
  { signal, live }: { signal: AbortSignal; live: LiveAnswer },
): Promise<AssistantMessage> {
  const { system, config } = conversation
  const maxTokens = config.max_tokens ?? DEFAULT_MAX_TOKENS
  const { messages, context } = sentMessages(conversation, turn, maxTokens)
  const startedAt = performance.now()
  return models.withModel({ name: config.default_model }, signal, async (session) => {
    const onDelta = config.supports_streaming ? live.push : undefined
    const content = await askCoach(session, { system, messages, config }, onDelta, () => !live.isEmpty())
    live.settle(content)
    return {
      id: randomUUID(),
      content,
      created_at: clock().toISOString(),
      use: session.use,
      latency_ms: Math.round(performance.now() - startedAt),
      context,
    }
  })
}

/** Why a turn has no answer, with what it has cost. */
function failureOf(thrown: unknown, { aborted, reason }: AbortSignal, use: ModelUse | undefined): AppError {
  const failure = toAppError(thrown)
  const modelUse = failure.modelUse ?? use
  const { code, message, retryAfter, operatorMessage, cause } = aborted ? (reason as AppError) : failure
  return new AppError(code, message, {
    operatorMessage,
    cause,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(modelUse && { modelUse }),
  })
}
