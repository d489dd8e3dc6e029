import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditLog } from '../adapters/telemetry/audit.ts'
import { createLog } from '../adapters/telemetry/log.ts'
import { loadConfig } from '../config.ts'
import type { Owner } from '../domain/caller.ts'
import type { ConversationStore, ConversationSummary, Erased } from '../domain/conversation.ts'
import { AppError, toAppError } from '../domain/errors.ts'
import { elapsedMs } from '../domain/telemetry.ts'
import { escapeLineBreaks } from '../util/json.ts'
import { type CommandContext, localUser, ownBackend } from './context.ts'

// What operators do with the conversations of others. Each is audited by the ids of conversations.

interface OwnerOptions {
  sub: string
  /** Default: the empty tenant. */
  tenant?: string
}

/** Conversations that are asked for at a time. */
const PAGE = 100
/** A list may show for a moment what has been erased, and for longer only if something is wrong. */
const LIST_PAUSE_MS = 250
const MAX_LIST_DELAY_MS = 30_000

/** `conversations list`: an owner's conversations, without messages. */
export async function listConversations(
  context: CommandContext,
  options: OwnerOptions & { json?: boolean },
): Promise<void> {
  await operate(context, 'operator.conversations.list', options, async ({ store, owner }) => {
    const rows: ConversationSummary[] = []
    for await (const summary of conversationsOf(store, owner)) rows.push(summary)
    context.terminal.printRows(rows, { asJson: options.json ?? false, otherwise: 'No conversations.' })
  })
}

/** `conversations export`: whole conversations on stdout, one line of JSON each. */
export async function exportConversations(
  context: CommandContext,
  options: OwnerOptions & { id?: string },
): Promise<void> {
  await operate(context, 'operator.conversations.export', options, async ({ store, owner, audit }) => {
    let count = 0
    const print = async (id: string) => {
      const conversation = await store.read(owner, id)
      if (!conversation) return
      // The lease is a secret of the process that answers.
      const { lease: _, ...whole } = conversation
      context.terminal.print(escapeLineBreaks(JSON.stringify(whole)))
      audit(id)
      count++
    }
    if (options.id !== undefined) await print(options.id)
    else for await (const { conversation_id } of conversationsOf(store, owner)) await print(conversation_id)
    if (options.id !== undefined && count === 0) throw noSuch(options.id)
    context.terminal.info(`Exported conversations: ${count}`)
  })
}

/** `conversations erase`: removes one or all conversations of an owner, and prints what was removed where. */
export async function eraseConversations(
  context: CommandContext,
  options: OwnerOptions & { id?: string; json?: boolean },
): Promise<void> {
  await operate(context, 'operator.conversations.erase', options, async ({ store, where, owner, audit }) => {
    const sum: Erased = { conversations: 0, messages: 0 }
    const erase = async (id: string) => {
      const erased = await store.erase(owner, id)
      if (!erased) return false
      sum.conversations += erased.conversations
      sum.messages += erased.messages
      audit(id)
      return true
    }
    if (options.id === undefined) await eraseAll(store, owner, erase)
    else if (!(await erase(options.id))) throw noSuch(options.id)
    context.terminal.printAnswer({ data: { store: where, ...sum } }, options.json ?? false)
  })
}

/** Erases until the list is empty. */
async function eraseAll(
  store: ConversationStore,
  owner: Owner,
  erase: (id: string) => Promise<boolean>,
): Promise<void> {
  for (let erasedAt = performance.now(); ; await sleep(LIST_PAUSE_MS)) {
    const ids = await store.storedIds(owner, PAGE)
    if (ids.length === 0) return
    for (const id of ids) if (await erase(id)) erasedAt = performance.now()
    if (performance.now() - erasedAt > MAX_LIST_DELAY_MS) {
      const message = 'Conversations that were erased are still listed. Run the command again later.'
      throw new AppError('unavailable', message)
    }
  }
}

async function* conversationsOf(store: ConversationStore, owner: Owner): AsyncGenerator<ConversationSummary> {
  for (let before: string | undefined; ; ) {
    const page = await store.list(owner, { limit: PAGE, ...(before !== undefined && { before }) })
    yield* page
    before = page.at(-1)?.conversation_id
    if (page.length < PAGE) return
  }
}

interface Operated {
  store: ConversationStore
  /** Where the store is, in words. */
  where: string
  owner: Owner
  /** Writes the audit line of one conversation. */
  audit(conversation_id: string): void
}

/** Runs a command on the conversations of an owner. It leaves at least one line in the audit log. */
async function operate(
  context: CommandContext,
  name: string,
  { sub, tenant = '' }: OwnerOptions,
  work: (operated: Operated) => Promise<void>,
): Promise<void> {
  const startedAt = performance.now()
  const config = loadConfig(context.io.env)
  const log = createLog(config.logLevel ?? 'info', { write: (line) => void context.io.stderr.write(line) })
  const observe = auditLog(log)
  const requestId = randomUUID()
  const { subject: caller, role } = localUser()
  let lines = 0
  const audit = (outcome: string, conversation_id?: string) => {
    lines++
    const durationMs = elapsedMs(startedAt)
    observe({ kind: 'operation', name, caller, role, conversation_id, outcome, durationMs, requestId })
  }
  try {
    const backend = await ownBackend(context, config)
    const store = await backend.openConversations()
    const { conversations: where } = backend.describe()
    await work({ store, where, owner: { sub, tenant }, audit: (id) => audit('ok', id) })
    if (lines === 0) audit('ok')
  } catch (error) {
    audit(toAppError(error).code)
    throw error
  }
}

function noSuch(id: string): AppError {
  return new AppError('not_found', `The owner has no conversation "${id}".`)
}
