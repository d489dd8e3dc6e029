import type { Owner } from '../../domain/caller.ts'
import type {
  Conversation,
  ConversationStore,
  ConversationSummary,
  Erased,
} from '../../domain/conversation.ts'
import type { ParameterStyle } from '../../domain/parameters.ts'
import type { Clock } from '../../util/time.ts'
import { isUuid } from '../../util/uuid.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { ModelClient } from '../models.ts'
import { noSuchConversation, turnCancelled } from './failures.ts'
import { isLive } from './lease.ts'
import { createRuns, type Runs } from './runs.ts'
import { type AnsweredTurn, type SayOptions, say } from './say.ts'
import { newConversation } from './start.ts'

export interface ConversationsDeps {
  catalog: Catalog
  models: ModelClient
  clock: Clock
  /** Opens the store with the first call: most runs of the program have no conversation. */
  openStore: () => Promise<ConversationStore>
}

/**
 * Conversations of users with a language model. All throw AppError `unavailable` when the store cannot be reached, and all
 * that take an id `not_found` for what is no conversation of this owner, whatever the reason.
 *
 * @example
 * const { conversation_id } = await conversations.start(owner, 'core_values', { user_name: 'Ana' }, options)
 * const { answer } = await conversations.say(owner, conversation_id, 'I like to teach.', { waitMs: 0 })
 */
export interface Conversations {
  /** Asks no model. @throws AppError as {@link newConversation} does. */
  start(
    owner: Owner,
    topic_id: string,
    parameters: Readonly<Record<string, unknown>>,
    options: { style: ParameterStyle; prefix: string },
  ): Promise<Conversation>
  /** @throws AppError as {@link say} does. */
  say(owner: Owner, conversation_id: string, content: string, options: SayOptions): Promise<AnsweredTurn>
  /** Its `lease` is missing when no turn is being answered. */
  get(owner: Owner, conversation_id: string): Promise<Conversation>
  /** Those started last first; `before` continues after the last one of an earlier page. */
  list(owner: Owner, page: { before?: string; limit: number }): Promise<ConversationSummary[]>
  /**
   * Ends the turn that is being answered, and the call of the model, on whichever instance that is.
   *
   * @returns false when there was none, or when its answer was stored before.
   */
  cancel(owner: Owner, conversation_id: string): Promise<boolean>
  erase(owner: Owner, conversation_id: string): Promise<Erased>
  /** Ends all turns of this process, because the server is shutting down. */
  abortAll(): void
}

export function createConversations({ catalog, models, clock, openStore }: ConversationsDeps): Conversations {
  let opened: Promise<Runs> | undefined
  async function open(): Promise<Runs> {
    opened ??= openStore().then((store) => createRuns({ store, models, clock }))
    try {
      return await opened
    } catch (error) {
      // The next call tries again.
      opened = undefined
      throw error
    }
  }
  /** Also keeps texts that are no ids away from the store. */
  async function openFor(conversation_id: string): Promise<Runs> {
    if (!isUuid(conversation_id)) throw noSuchConversation()
    return open()
  }

  async function get(owner: Owner, conversation_id: string): Promise<Conversation> {
    const { store } = await openFor(conversation_id)
    const conversation = await store.read(owner, conversation_id)
    if (!conversation) throw noSuchConversation()
    const { lease, ...rest } = conversation
    return lease && isLive(lease, clock) ? conversation : rest
  }

  return {
    async start(owner, topic_id, parameters, options) {
      const start = await newConversation({ catalog, models, clock }, owner, topic_id, parameters, options)
      const { store } = await open()
      await store.create(start)
      return { ...start, turns: [], updated_at: start.created_at }
    },

    async say(owner, conversation_id, content, options) {
      return say(await openFor(conversation_id), owner, conversation_id, content, options)
    },

    get,

    async list(owner, page) {
      const { store } = await open()
      return store.list(owner, page)
    },

    async cancel(owner, conversation_id) {
      const { lease } = await get(owner, conversation_id)
      if (!lease) return false
      const runs = await open()
      const run = runs.find(conversation_id, lease.token)
      run?.abort(turnCancelled())
      await runs.store.releaseLease(owner, conversation_id, lease.token)
      return run
        ? run.answer.then(
            () => false,
            () => true,
          )
        : true
    },

    async erase(owner, conversation_id) {
      const runs = await openFor(conversation_id)
      const erased = await runs.store.erase(owner, conversation_id)
      if (!erased) throw noSuchConversation()
      runs.find(conversation_id)?.abort(noSuchConversation())
      return erased
    },

    abortAll: () =>
      void opened?.then(
        (runs) => runs.abortAll(),
        () => {},
      ),
  }
}
