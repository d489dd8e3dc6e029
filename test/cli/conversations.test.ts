import { expect, test } from 'vitest'
import { fileConversations } from '../../src/adapters/files/conversations.ts'
import { openLayout } from '../../src/adapters/files/layout.ts'
import type { Conversation } from '../../src/domain/conversation.ts'
import { systemClock } from '../../src/util/time.ts'
import { runCommand } from '../helpers/command.ts'
import {
  ANNA,
  conversationId,
  DAY_MS,
  leaseFor,
  newConversation,
  takeTurn,
  userMessage,
} from '../helpers/conversations.ts'
import { tempFolder } from '../helpers/folders.ts'
import { treeOf } from '../helpers/trees.ts'

const BEN = { sub: 'ben', tenant: '' }
const SECRETS = /Kaleidoscope|Tintinnabulation|Quodlibet/

/** A data folder with two conversations of Anna, the first of which has expired if that is wanted, and one of Ben. */
async function opened({ ageMs = 1_000 } = {}) {
  const folder = await tempFolder()
  const store = fileConversations(openLayout(folder), systemClock, () => {})
  const now = Date.now()
  const old = newConversation(now - ageMs, { system: 'Kaleidoscope' })
  const fresh = newConversation(now)
  const others = newConversation(now, { owner: BEN })
  for (const one of [fresh, others, old]) await store.create(one)
  const turn = { turn: 1, ms: now, said: 'Tintinnabulation', answered: 'Quodlibet' }
  for (const { owner, conversation_id } of [fresh, others])
    await takeTurn(store, owner, conversation_id, turn)
  const ofAnna = ['--sub', 'anna', '--tenant', 'acme']
  const run = async (...words: string[]) => {
    const finished = await runCommand(['conversations', ...words], { PROMPTS_DATA_DIR: folder })
    const lines = finished.stderr.split('\n').filter((line) => line.includes('"kind":"audit"'))
    return { ...finished, audit: lines.map((line) => JSON.parse(line)) }
  }
  return { folder, store, run, ofAnna, old, fresh, others }
}

test('list shows the conversations of one owner, and no text', async () => {
  const { run, ofAnna, old, fresh } = await opened()
  const { code, stdout, stderr, audit } = await run('list', ...ofAnna)
  expect(code).toBe(0)
  expect(stdout).toMatch(
    new RegExp(
      `^conversation_id +topic_id.*\n${fresh.conversation_id}  core_values .*\n${old.conversation_id}`,
    ),
  )
  expect(stdout + stderr).not.toMatch(SECRETS)
  const { data } = JSON.parse((await run('list', ...ofAnna, '--json')).stdout)
  expect(data).toEqual([
    expect.objectContaining({ conversation_id: fresh.conversation_id, turns: 1 }),
    expect.objectContaining({ conversation_id: old.conversation_id, turns: 0 }),
  ])
  expect(audit).toEqual([
    expect.objectContaining({ event: 'operator.conversations.list', role: 'admin', outcome: 'ok' }),
  ])
  expect((await run('list', '--sub', 'anna')).stdout).toBe('No conversations.\n')
})

test('list and erase go on until the last page', async () => {
  const { store, run, ofAnna } = await opened()
  for (let number = 0; number < 120; number++) await store.create(newConversation(Date.now()))
  expect(JSON.parse((await run('list', ...ofAnna, '--json')).stdout).data).toHaveLength(122)
  expect(JSON.parse((await run('erase', ...ofAnna, '--json')).stdout).data.conversations).toBe(122)
})

test('export prints whole conversations, a line of JSON each, without the secret of who answers', async () => {
  const { store, run, ofAnna, old, fresh } = await opened()
  const lease = leaseFor(Date.now(), 2)
  await store.beginTurn(ANNA, fresh.conversation_id, { turn: 2, user: userMessage(Date.now()) }, lease)
  const { code, stdout, stderr, audit } = await run('export', ...ofAnna)
  expect(code).toBe(0)
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Conversation)
  const { lease: _, ...whole } = (await store.read(ANNA, fresh.conversation_id)) as Conversation
  expect(lines).toEqual([whole, await store.read(ANNA, old.conversation_id)])
  expect(stdout).not.toContain(lease.token)
  expect(stderr).not.toMatch(SECRETS)
  expect(audit.map(({ event, conversation_id }) => [event, conversation_id])).toEqual(
    [fresh, old].map(({ conversation_id }) => ['operator.conversations.export', conversation_id]),
  )
  const one = await run('export', ...ofAnna, '--id', old.conversation_id)
  expect(JSON.parse(one.stdout)).toMatchObject({ conversation_id: old.conversation_id })
})

test('erase removes all of an owner, also what has expired, and says what was removed where', async () => {
  const { folder, run, ofAnna, others } = await opened({ ageMs: 40 * DAY_MS })
  const { code, stdout, stderr, audit } = await run('erase', ...ofAnna, '--json')
  expect(code).toBe(0)
  const where = openLayout(folder).conversations
  expect(JSON.parse(stdout)).toEqual({ data: { store: `folder ${where}`, conversations: 2, messages: 2 } })
  expect(stderr).not.toMatch(SECRETS)
  expect(audit).toHaveLength(2)
  const left = JSON.stringify(await treeOf(folder))
  expect(left).not.toMatch(/anna|acme|Kaleidoscope/)
  expect(left).toContain(others.conversation_id)
  const again = await run('erase', ...ofAnna)
  expect(again).toMatchObject({ code: 0, stdout: `store: folder ${where}\nconversations: 0\nmessages: 0\n` })
})

test('erase --id removes one', async () => {
  const { store, run, ofAnna, old, fresh } = await opened()
  const { stdout, audit } = await run('erase', ...ofAnna, '--id', fresh.conversation_id, '--json')
  expect(JSON.parse(stdout).data).toMatchObject({ conversations: 1, messages: 2 })
  expect(audit).toEqual([
    expect.objectContaining({
      conversation_id: fresh.conversation_id,
      outcome: 'ok',
      request_id: expect.any(String),
    }),
  ])
  expect(await store.read(ANNA, old.conversation_id)).toBeDefined()
})

test.each(['export', 'erase'])(
  "%s of an id that is not the owner's is not found, and audited",
  async (verb) => {
    const { store, run, ofAnna, others } = await opened()
    for (const id of [others.conversation_id, conversationId(), '../keys.json']) {
      const { code, stdout, audit } = await run(verb, ...ofAnna, '--id', id)
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
      expect(audit).toEqual([
        expect.objectContaining({ event: `operator.conversations.${verb}`, outcome: 'not_found' }),
      ])
    }
    expect(await store.read(BEN, others.conversation_id)).toBeDefined()
  },
)

test.each(['list', 'export', 'erase'])('%s without an owner is refused', async (verb) => {
  const { run } = await opened()
  expect(await run(verb)).toMatchObject({ code: 2, stdout: '' })
})
