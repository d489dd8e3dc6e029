import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileConversations } from '../../../src/adapters/files/conversations.ts'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { ownerKey } from '../../../src/domain/conversation.ts'
import { conversationStoreContract } from '../../contracts/conversation-store.ts'
import {
  ANNA,
  answer,
  conversationId,
  DAY_MS,
  iso,
  leaseFor,
  newConversation,
  START,
  takeTurn,
  userMessage,
} from '../../helpers/conversations.ts'
import { failureOf } from '../../helpers/errors.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { treeOf } from '../../helpers/trees.ts'

describe('conversations in files', () => {
  conversationStoreContract(async (clock) => {
    const root = await tempFolder()
    const open = () => fileConversations(openLayout(root), clock, expectNoWarning)
    return { store: open(), other: open(), stored: async () => JSON.stringify(await treeOf(root)) }
  })
})

/** A store with one conversation, and its file. */
async function opened() {
  const root = await tempFolder()
  const layout = openLayout(root)
  const time = { now: START }
  const warnings: string[] = []
  const open = () =>
    fileConversations(
      layout,
      () => new Date(time.now),
      (message) => warnings.push(message),
    )
  const store = open()
  const start = newConversation(START)
  await store.create(start)
  const id = start.conversation_id
  const fileOf = (one: string) => join(layout.conversations, ownerKey(ANNA), `${one}.jsonl`)
  return { root, layout, time, warnings, open, store, start, id, fileOf, file: fileOf(id) }
}

describe('the file of a conversation', () => {
  it('is for the user of the program alone', async () => {
    const { layout, store, id, file } = await opened()
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    for (const folder of [dirname(file), layout.conversations])
      expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it('can be read by a person: a line for whatever happens', async () => {
    const { store, id, file } = await opened()
    await takeTurn(store, ANNA, id, { turn: 1, ms: START, said: 'Hello', answered: 'Welcome' })
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ kind: 'start', owner: ANNA, system: 'You are a coach.' }),
      expect.objectContaining({ kind: 'user', message: expect.objectContaining({ content: 'Hello' }) }),
      expect.objectContaining({
        kind: 'assistant',
        message: expect.objectContaining({ content: 'Welcome' }),
      }),
    ])
  })

  it('has the turn of the first of those who began it at the same time', async () => {
    const { open, store, id, file } = await opened()
    const [lease, late] = [leaseFor(START), leaseFor(START)]
    const user = userMessage(START, 'first')
    await store.beginTurn(ANNA, id, { turn: 1, user }, lease)
    // What another process appends that has seen no lease yet.
    const message = userMessage(START, 'second')
    const entry = { kind: 'user', turn: 1, message, lease: late, at: iso(START + 1) }
    await appendFile(file, `${JSON.stringify(entry)}\n`)
    for (const side of [store, open()])
      expect(await side.read(ANNA, id)).toMatchObject({ turns: [{ turn: 1, user }], lease })
    expect(await store.finishTurn(ANNA, id, late, answer(START))).toBe(false)
    expect(await store.finishTurn(ANNA, id, lease, answer(START))).toBe(true)
  })

  it('whose last line was cut off is as it was before that line, and can be gone on with', async () => {
    const { open, store, start, id, file } = await opened()
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    const lease = leaseFor(START, 2)
    await store.beginTurn(ANNA, id, { turn: 2, user: userMessage(START, 'é🎈 said') }, lease)
    await store.finishTurn(ANNA, id, lease, answer(START, 'é🎈 answered'))
    const whole = await readFile(file)
    const lines = whole.toString().split('\n')
    const before = Buffer.byteLength(lines.slice(0, 4).join('\n')) + 1
    // Also within a character, and with nothing but the line break missing.
    for (let length = before; length < whole.length; length += length < whole.length - 20 ? 7 : 1) {
      await writeFile(file, whole.subarray(0, length))
      expect((await open().read(ANNA, id))?.turns[1]).not.toHaveProperty('assistant')
      expect((await store.list(ANNA, { limit: 1 }))[0]?.turns).toBe(2)
      const again = answer(START, 'again')
      expect(await open().finishTurn(ANNA, id, lease, again)).toBe(true)
      const { user } = await takeTurn(open(), ANNA, id, { turn: 3, ms: START })
      const read = await store.read(ANNA, id)
      expect(read).toMatchObject({ ...start, turns: [{}, { assistant: again }, { user }] })
    }
  })

  it('with a line that is damaged is out of reach, names the line to the operator, and can be erased', async () => {
    const { store, id, file } = await opened()
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    await appendFile(file, '{"kind":"user", broken}\n')
    for (const work of [
      () => store.read(ANNA, id),
      () => store.beginTurn(ANNA, id, { turn: 2, user: userMessage(START) }, leaseFor(START, 2)),
    ]) {
      const failure = await failureOf(work)
      expect(failure.code).toBe('unavailable')
      expect(failure.message).not.toContain(file)
      expect(failure.operatorMessage).toContain(`${file}:4 is damaged`)
    }
    expect(await store.list(ANNA, { limit: 1 })).toMatchObject([{ conversation_id: id, turns: 1 }])
    expect(await store.erase(ANNA, id)).toEqual({ conversations: 1, messages: 2 })
    expect(await readdir(dirname(dirname(file)))).toEqual(['swept'])
  })

  it('with a first line that is damaged can be erased with the others', async () => {
    const { store, id, file } = await opened()
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    await writeFile(file, (await readFile(file, 'utf8')).replace('{', ''))
    expect(await store.list(ANNA, { limit: 1 })).toEqual([])
    expect(await store.storedIds(ANNA, 1)).toEqual([id])
    expect(await store.erase(ANNA, id)).toMatchObject({ conversations: 1 })
    expect(await store.storedIds(ANNA, 1)).toEqual([])
  })

  it('that was edited by hand is read as it is now', async () => {
    const { store, id, file } = await opened()
    await takeTurn(store, ANNA, id, { turn: 1, ms: START, said: 'Hello', answered: 'Welcome' })
    await store.read(ANNA, id)
    const said = async () => (await store.read(ANNA, id))?.turns.map(({ user }) => user.content)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.split('\n').slice(0, 1).join('\n').concat('\n'))
    expect(await said()).toEqual([])
    await writeFile(`${file}.new`, text.replace('Hello', 'Good morning'))
    await rename(`${file}.new`, file)
    expect(await said()).toEqual(['Good morning'])
  })

  it('grows by little when a lease is renewed', async () => {
    const { store, id, file } = await opened()
    const lease = leaseFor(START)
    await store.beginTurn(ANNA, id, { turn: 1, user: userMessage(START) }, lease)
    const { size } = await stat(file)
    for (let round = 1; round <= 15; round++)
      await store.renewLease(ANNA, id, { ...lease, expires_at: iso(START + round * 4_000) })
    expect((await stat(file)).size - size).toBeLessThan(15 * 130)
  })
})

describe('a folder that is out of reach', () => {
  it('is an outage, and no missing conversation', async () => {
    const { root, layout, store, start, id } = await opened()
    const lease = leaseFor(START)
    await store.beginTurn(ANNA, id, { turn: 1, user: userMessage(START) }, lease)
    const away = `${layout.own}-away`
    await rename(layout.own, away)
    const calls = {
      create: () => store.create(start),
      read: () => store.read(ANNA, id),
      begin: () => store.beginTurn(ANNA, id, { turn: 1, user: userMessage(START) }, leaseFor(START)),
      renew: () => store.renewLease(ANNA, id, lease),
      finish: () => store.finishTurn(ANNA, id, lease, answer(START)),
      release: () => store.releaseLease(ANNA, id, lease.token),
      list: () => store.list(ANNA, { limit: 10 }),
      erase: () => store.erase(ANNA, id),
    }
    for (const [name, call] of Object.entries(calls)) {
      const { code, message, operatorMessage } = await failureOf(call)
      expect({ name, code }).toEqual({ name, code: 'unavailable' })
      expect(operatorMessage).toContain(root)
      expect(message).not.toContain(root)
    }
    await rename(away, layout.own)
    expect(await store.finishTurn(ANNA, id, lease, answer(START))).toBe(true)
  })

  it('is an outage when a folder stands where a file should', async () => {
    const { store, id, file } = await opened()
    await rm(file)
    await mkdir(file)
    expect((await failureOf(() => store.read(ANNA, id))).code).toBe('unavailable')
    expect((await failureOf(() => store.erase(ANNA, id))).code).toBe('unavailable')
  })
})

describe('expired conversations', () => {
  it('are removed from the disk when others are started, once a day', async () => {
    const { layout, time, open, store, id, warnings, fileOf } = await opened()
    const ben = { sub: 'ben', tenant: '' }
    const alone = newConversation(START + 1, { owner: ben })
    await store.create(alone)
    const alive = newConversation(START + 2)
    await store.create(alive)
    time.now += 29 * DAY_MS
    await takeTurn(store, ANNA, alive.conversation_id, { turn: 1, ms: time.now })
    time.now += DAY_MS + 5
    const folders = () => readdir(layout.conversations)
    expect(await folders()).toHaveLength(3)
    const young = newConversation(time.now)
    await open().create(young)
    expect(await readdir(dirname(fileOf(id)))).toEqual(
      [alive, young].map((one) => `${one.conversation_id}.jsonl`),
    )
    // Ben's folder is gone with all that was in it.
    expect((await folders()).sort()).toEqual([ownerKey(ANNA), 'swept'].sort())
    expect((await store.read(ANNA, alive.conversation_id))?.turns).toHaveLength(1)

    time.now += 30 * DAY_MS - 10
    await open().create(newConversation(time.now))
    expect(await readdir(dirname(fileOf(id)))).toHaveLength(2)
    time.now += 20
    // The last sweep was less than a day ago.
    await open().create(newConversation(time.now))
    expect(await readdir(dirname(fileOf(id)))).toHaveLength(3)
    time.now += DAY_MS
    await open().create(newConversation(time.now))
    expect(await readdir(dirname(fileOf(id)))).toHaveLength(3)
    expect(warnings).toEqual([])
  })

  it('that cannot be read are told of, and keep none of the others', async () => {
    const { time, store, id, fileOf, warnings } = await opened()
    const other = newConversation(START + 1)
    await store.create(other)
    await appendFile(fileOf(id), '{broken\n')
    time.now += 31 * DAY_MS
    const young = newConversation(time.now)
    await store.create(young)
    expect(warnings).toEqual(['Expired conversations cannot be removed.'])
    expect(await readdir(dirname(fileOf(id)))).toEqual(
      [id, young.conversation_id].map((one) => `${one}.jsonl`),
    )
  })
})

it('a page of 10,000 conversations reads those that it shows, and no other', async () => {
  const { store, start, fileOf } = await opened()
  const ids = Array.from({ length: 10_000 }, (_, number) => conversationId(START + number))
  for (const one of ids) {
    const line = JSON.stringify({ kind: 'start', ...start, conversation_id: one })
    await writeFile(fileOf(one), `${line}\n`)
  }
  // Would be found out if it were read.
  await rm(fileOf(ids[5_000] as string))
  await mkdir(fileOf(ids[5_000] as string))
  const before = performance.now()
  const page = await store.list(ANNA, { limit: 100 })
  const last = await store.list(ANNA, { limit: 100, before: ids[99] as string })
  const took = performance.now() - before
  expect(page.map(({ conversation_id }) => conversation_id)).toEqual(ids.toReversed().slice(0, 100))
  expect(last).toHaveLength(100)
  expect((await failureOf(() => store.list(ANNA, { limit: 1, before: ids[5_001] as string }))).code).toBe(
    'unavailable',
  )
  expect(took).toBeLessThan(2_000)
}, 60_000)

function expectNoWarning(message: string, cause: unknown): never {
  throw new Error(message, { cause })
}
