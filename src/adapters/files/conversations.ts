import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Owner } from '../../domain/caller.ts'
import {
  type ConversationStore,
  type ConversationSummary,
  isExpired,
  ownerKey,
} from '../../domain/conversation.ts'
import { AppError } from '../../domain/errors.ts'
import type { Clock } from '../../util/time.ts'
import { type History, isFree, mayBegin, messagesIn } from './conversations/history.ts'
import { type ConversationLog, conversationLogs } from './conversations/log.ts'
import { historyIn } from './conversations/reading.ts'
import { sweepExpired } from './conversations/sweep.ts'
import { replaceFile, syncFolder } from './durable.ts'
import { type Layout, storeFailure } from './layout.ts'
import { isMissing } from './working-copy.ts'

const EXTENSION = '.jsonl'
const FILE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl$/

/**
 * Conversations in the data folder: below `conversations/` a folder for each owner, named by a hash, and in it a file of
 * JSON Lines for each conversation, which is only ever appended to. Readable for the user of the program alone.
 *
 * @param warn called when expired conversations cannot be removed.
 */
export function fileConversations(
  layout: Layout,
  clock: Clock,
  warn: (message: string, cause: unknown) => void,
): ConversationStore {
  const logs = conversationLogs()
  const now = () => clock().toISOString()
  const folderOf = (owner: Owner) => join(layout.conversations, ownerKey(owner))
  /** No file has the name of an id that is none. */
  const pathOf = (owner: Owner, id: string) =>
    join(folderOf(owner), FILE.test(`${id}${EXTENSION}`) ? `${id}${EXTENSION}` : 'none')

  /** Runs `work`, in which a missing file is a missing conversation and a missing store an outage. */
  async function orMissing<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof AppError) throw error
      if (isMissing(error) && existsSync(layout.conversations)) return undefined
      throw storeFailure(layout.root, error)
    }
  }

  /** Runs `work` on a conversation that is served; answers `undefined` for all others. */
  function change<T>(owner: Owner, id: string, work: (log: OpenLog) => Promise<T>): Promise<T | undefined> {
    return orMissing(() =>
      logs.open(pathOf(owner, id), async ({ history, append }) => {
        const before = history()
        if (!before || isExpired(before, clock)) return undefined
        const appended: OpenLog['append'] = async (...given) => {
          await append(...given)
          return history() ?? before
        }
        return work({ before, append: appended })
      }),
    )
  }

  async function idsOf(owner: Owner): Promise<string[]> {
    const names = (await orMissing(() => readdir(folderOf(owner)))) ?? []
    return names.filter((name) => FILE.test(name)).map((name) => name.slice(0, -EXTENSION.length))
  }

  /** Makes the file, and the owner's folder if it is not there, or is removed meanwhile with what was in it. */
  async function place(path: string, content: string, attempts = 3): Promise<void> {
    await makeOwnFolder(dirname(path))
    try {
      await replaceFile(layout, path, content, 0o600)
    } catch (error) {
      if (!isMissing(error) || attempts === 1) throw error
      await place(path, content, attempts - 1)
    }
  }

  async function eraseFile(path: string): Promise<number | undefined> {
    const erased = await orMissing(async () => {
      const history = historyIn(path, readFileSync(path), true)
      await unlink(path)
      logs.forget(path)
      return { messages: history ? messagesIn(history) : 0 }
    })
    await orMissing(() => removeIfEmpty(dirname(path)))
    return erased?.messages
  }

  return {
    async create(start) {
      const path = pathOf(start.owner, start.conversation_id)
      const content = `${JSON.stringify({ kind: 'start', ...start })}\n`
      try {
        if (!existsSync(path)) await place(path, content)
      } catch (error) {
        throw storeFailure(layout.root, error)
      }
      await sweepExpired(layout, clock, eraseFile).catch((error) =>
        warn('Expired conversations cannot be removed.', error),
      )
    },

    async read(owner, id) {
      const history = await orMissing(() => logs.read(pathOf(owner, id)))
      if (!history || isExpired(history, clock)) return undefined
      const { lease, ...conversation } = copyOf(history)
      return isFree(history, now()) ? conversation : { ...conversation, lease }
    },

    async beginTurn(owner, id, { turn, user: message }, lease) {
      const isBegun = await change(owner, id, async ({ before, append }) => {
        const at = now()
        if (!mayBegin(before, turn) || !isFree(before, at)) return false
        const after = await append({ kind: 'user', turn, message, lease, at })
        return after.lease?.token === lease.token
      })
      return isBegun ?? false
    },

    async renewLease(owner, id, { token, expires_at }) {
      const isRenewed = await change(owner, id, async ({ before, append }) => {
        if (before.lease?.token !== token) return false
        // A lease that is lost in a power cut needs no renewal.
        const after = await append({ kind: 'renewed', token, expires_at }, false)
        return after.lease?.token === token
      })
      return isRenewed ?? false
    },

    async finishTurn(owner, id, { token, turn }, message) {
      const isFinished = await change(owner, id, async ({ before, append }) => {
        const answerIn = ({ turns }: History) => turns[turn - 1]?.assistant?.id
        if (answerIn(before) === message.id) return true
        if (before.lease?.token !== token) return false
        return answerIn(await append({ kind: 'assistant', turn, message, token })) === message.id
      })
      return isFinished ?? false
    },

    async releaseLease(owner, id, token) {
      await change(owner, id, async ({ before: { lease }, append }) => {
        if (lease?.token === token) await append({ kind: 'released', token })
      })
    },

    async list(owner, { before, limit }) {
      const found: ConversationSummary[] = []
      for (const id of (await idsOf(owner)).sort().reverse()) {
        if (found.length === limit) break
        if (before !== undefined && id >= before) continue
        const path = pathOf(owner, id)
        // One that is damaged keeps none of the others from being shown.
        const history = await orMissing(async () => historyIn(path, await readFile(path), true))
        if (history && !isExpired(history, clock)) found.push(summaryOf(history))
      }
      return found
    },

    async storedIds(owner, limit) {
      return (await idsOf(owner)).slice(0, limit)
    },

    async erase(owner, id) {
      const messages = await eraseFile(pathOf(owner, id))
      return messages === undefined ? undefined : { conversations: 1, messages }
    },
  }
}

interface OpenLog {
  before: History
  /** @returns the history with the entry, and with what others have appended before it. */
  append(...given: Parameters<ConversationLog['append']>): Promise<History>
}

/** A copy that shares nothing but texts. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)])) as T
}

function summaryOf(history: History): ConversationSummary {
  const { conversation_id, topic_id, topic_revision, created_at, turns, updated_at } = history
  return { conversation_id, topic_id, topic_revision, created_at, turns: turns.length, updated_at }
}

/** Removes the folder of an owner who has no conversation any more: its name says that there was one. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await syncFolder(folder)
    await rmdir(folder)
    await syncFolder(dirname(folder))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) throw error
  }
}

async function makeOwnFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
    await syncFolder(dirname(folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
