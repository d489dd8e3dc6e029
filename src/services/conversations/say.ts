import { hash } from 'node:crypto'
import type { Owner } from '../../domain/caller.ts'
import {
  type AssistantMessage,
  type Conversation,
  type Lease,
  MAX_MESSAGE_BYTES,
} from '../../domain/conversation.ts'
import { AppError } from '../../domain/errors.ts'
import type { TextListener } from '../../domain/language-model.ts'
import { busy, forOthers, noSuchConversation, shuttingDown, tooManyAtOnce, turnEnded } from './failures.ts'
import { isLive } from './lease.ts'
import { nextStep } from './next-step.ts'
import type { TurnRun } from './run.ts'
import type { Runs } from './runs.ts'
import { startWaiting } from './waiting.ts'

/** Of several requests at the same time one begins the turn; the others look again, and then find who has won. */
const MAX_LOSSES = 10

export interface SayOptions {
  /** The `Idempotency-Key`. */
  key?: string | undefined
  /** How long to wait for another message's turn, in milliseconds. */
  waitMs: number
  /** Fires when the caller no longer waits. A turn that has begun goes on. */
  signal?: AbortSignal | undefined
  /** Receives the answer while it is generated, if the topic's answers are streamed. */
  listener?: TextListener | undefined
}

/** A message's answer, which is stored. */
export interface AnsweredTurn {
  conversation: Conversation
  turn: number
  answer: AssistantMessage
  /** Whether this call has asked the model: others have followed it, or got what is stored. */
  hasAsked: boolean
}

/**
 * Answers a message: asks the model, or follows the turn in which it is asked already, or gives the answer that is
 * stored. Where another instance asks, it waits until the answer is stored, which the model's time and the lease bound.
 *
 * @throws AppError `not_found`; `too_large`; `conflict` for what {@link nextStep} refuses, for a turn that was cancelled,
 *   and with `current` while another message is being answered; `unavailable`; what a {@link TurnRun} fails with.
 */
export async function say(
  runs: Runs,
  owner: Owner,
  conversation_id: string,
  content: string,
  { key, waitMs, signal, listener }: SayOptions,
): Promise<AnsweredTurn> {
  if (Buffer.byteLength(content) > MAX_MESSAGE_BYTES) {
    throw new AppError('too_large', `A message has at most ${MAX_MESSAGE_BYTES} bytes of UTF-8.`)
  }
  const { store, clock } = runs
  const message = { content, keyHash: key === undefined ? undefined : hash('sha256', key) }
  const waiting = startWaiting(signal, runs.ending)
  const waitsUntil = performance.now() + waitMs
  /** The lease under which another instance answers this message. */
  let theirs: Lease | undefined
  let losses = 0

  /** @returns `undefined` when it is time to look again. */
  async function attempt(): Promise<AnsweredTurn | undefined> {
    const conversation = await store.read(owner, conversation_id)
    if (!conversation) throw noSuchConversation()
    const step = nextStep(conversation, message, clock)
    if (step.kind === 'answered')
      return { conversation, turn: step.turn, answer: step.answer, hasAsked: false }
    if (step.kind === 'ask') {
      // Only a crash lets a lease expire: one that is gone before has been given back or taken away.
      if (theirs && isLive(theirs, clock)) throw turnEnded()
      const run = await runs.begin(conversation, message, step)
      if (!run && ++losses === MAX_LOSSES) throw tooManyAtOnce()
      if (!run) return undefined
      return { conversation, turn: step.turn, answer: await hear(run, conversation), hasAsked: true }
    }
    const run = runs.find(conversation_id, step.lease.token)
    if (step.kind === 'running') {
      theirs = step.lease
      if (!run) return waiting.pause(Infinity).then(() => undefined)
      const answer = await waiting.until(hear(run, conversation).catch(forOthers))
      return { conversation, turn: step.lease.turn, answer, hasAsked: false }
    }
    const remainingMs = waitsUntil - performance.now()
    if (remainingMs <= 0) throw busy(step.lease, clock)
    await waiting.pause(remainingMs, run?.answer)
    return undefined
  }

  async function hear(run: TurnRun, { config }: Conversation): Promise<AssistantMessage> {
    if (!listener || !config.supports_streaming) return run.answer
    listener.onBegin?.()
    const leave = run.live.follow(listener)
    return run.answer.finally(leave)
  }

  try {
    for (;;) {
      if (runs.ending.aborted) throw shuttingDown()
      const answered = await attempt()
      if (answered) return answered
    }
  } finally {
    waiting.end()
  }
}
