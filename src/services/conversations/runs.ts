import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Conversation, Lease, Turn } from '../../domain/conversation.ts'
import { shuttingDown } from './failures.ts'
import { leaseExpiry } from './lease.ts'
import { type IncomingMessage, keysOf, type NextStep } from './next-step.ts'
import { runTurn, type TurnDeps, type TurnRun } from './run.ts'

/** The turns that this process answers. */
export interface Runs extends TurnDeps {
  /** Fires when the server shuts down. */
  readonly ending: AbortSignal
  /**
   * Stores a message, takes the lease and lets the turn run.
   *
   * @returns `undefined` when another request was first.
   * @throws AppError `unavailable`
   */
  begin(
    conversation: Conversation,
    message: IncomingMessage,
    step: Extract<NextStep, { kind: 'ask' }>,
  ): Promise<TurnRun | undefined>
  /** The run of a conversation, if it is here; with `token` only the one under that lease. */
  find(conversation_id: string, token?: string): TurnRun | undefined
  /** Ends all runs, because the server is shutting down. */
  abortAll(): void
}

export function createRuns(deps: TurnDeps): Runs {
  const { store, clock } = deps
  const running = new Map<string, TurnRun>()
  const ending = new AbortController()
  // Every caller that waits listens to it.
  setMaxListeners(0, ending.signal)

  async function takeTurn(
    { owner, conversation_id }: Conversation,
    turn: Turn,
    lease: Lease,
  ): Promise<boolean> {
    try {
      return await store.beginTurn(owner, conversation_id, turn, lease)
    } catch (error) {
      // It may have happened; if it cannot be undone, the lease expires.
      await store.releaseLease(owner, conversation_id, lease.token).catch(() => {})
      throw error
    }
  }

  return {
    ...deps,
    ending: ending.signal,

    async begin(conversation, { content, keyHash }, { turn, stored }) {
      const { conversation_id } = conversation
      const now = clock().toISOString()
      const { id, created_at } = stored ?? { id: randomUUID(), created_at: now }
      const user = { id, content, created_at, keys: keysOf(stored, keyHash, clock) }
      const lease = { token: randomUUID(), turn, started_at: now, expires_at: leaseExpiry(clock) }
      if (!(await takeTurn(conversation, { turn, user }, lease))) return undefined
      const run = runTurn(deps, conversation, { turn, user }, lease)
      running.set(conversation_id, run)
      const forget = () => {
        if (running.get(conversation_id) === run) running.delete(conversation_id)
      }
      run.answer.then(forget, forget)
      if (ending.signal.aborted) run.abort(shuttingDown())
      return run
    },

    find(conversation_id, token) {
      const run = running.get(conversation_id)
      return token === undefined || run?.lease.token === token ? run : undefined
    },

    abortAll() {
      ending.abort()
      for (const run of running.values()) run.abort(shuttingDown())
    },
  }
}
