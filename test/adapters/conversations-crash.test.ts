import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { ANNA, newConversation, takeTurn } from '../helpers/conversations.ts'
import { openConversationsTable } from '../helpers/conversations-table.ts'
import { tempFolder } from '../helpers/folders.ts'
import { bundledScript } from '../helpers/script.ts'
import { describeWithAws } from '../stand-ins/aws.ts'
import { type ConversationPlace, openConversations } from './conversation-writer.ts'

const WRITER = await bundledScript(new URL('conversation-writer.ts', import.meta.url))
const KILLS = 4
/** A crash may keep a conversation locked for so long. */
const MAX_LOCKED_MS = 15_000

/** Starts a writer, kills it at a random instant of its work, and answers what it said was safe. */
async function writeAndKill(place: ConversationPlace, id: string): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, JSON.stringify(place), id], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const safe: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => safe.push(line))
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')])
  await Promise.race([once(lines, 'line'), ended])
  if (child.exitCode !== null) throw new Error(`the writer ended by itself with ${child.exitCode}`)
  await setTimeout(Math.random() * 80)
  child.kill('SIGKILL')
  await ended
  return safe
}

/** Kills writers of one conversation, one after the other, and looks at what each has left. */
async function killAndInspect(place: ConversationPlace): Promise<void> {
  const start = newConversation(Date.now())
  const id = start.conversation_id
  await (await openConversations(place)).create(start)
  const safe: string[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    safe.push(...(await writeAndKill(place, id)))
    const read = await (await openConversations(place)).read(ANNA, id)
    const turns = read?.turns ?? []
    const messages = turns.flatMap(({ turn, user, assistant }, index) => {
      expect(turn).toBe(index + 1)
      return [user, ...(assistant ? [assistant] : [])].map(({ content }) => content.split(' ')[0] as string)
    })
    // Each is there once and in order, and at most the one that was being written besides what is safe.
    const expected = turns.flatMap(({ turn }) => [`m${turn}`, `a${turn}`])
    expect(messages).toEqual(expected.slice(0, messages.length))
    expect(expected.length - messages.length).toBeLessThan(2)
    const lastSafe = expected.lastIndexOf(safe.at(-1) as string)
    expect(lastSafe).toBeGreaterThanOrEqual(0)
    expect(messages.length - 1 - lastSafe).toBeLessThan(2)
    expect(Date.parse(read?.lease?.expires_at ?? '0') - Date.now()).toBeLessThan(MAX_LOCKED_MS)
  }
  const later = Date.now() + MAX_LOCKED_MS
  const store = await openConversations(place, () => new Date(later))
  const turns = (await store.read(ANNA, id))?.turns ?? []
  const turn = turns.filter(({ assistant }) => assistant).length + 1
  await takeTurn(store, ANNA, id, { turn, ms: later })
}

it('a writer of files that is killed at any instant leaves each message once or not at all', async () => {
  await killAndInspect({ folder: await tempFolder() })
})

describeWithAws('a writer to DynamoDB that is killed at any instant', (parts) => {
  it('leaves each message once or not at all', async () => {
    const { table } = await openConversationsTable(parts)
    await killAndInspect({ table, parts })
  })
})
