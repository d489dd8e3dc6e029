import { describe, expect, it } from 'vitest'
import type { Owner } from '../../src/domain/caller.ts'
import {
  CONVERSATION_LIFETIME_MS,
  type ConversationStart,
  type ConversationStore,
} from '../../src/domain/conversation.ts'
import type { Clock } from '../../src/util/time.ts'
import {
  ANNA,
  answer,
  conversationId,
  DAY_MS,
  iso,
  LEASE_MS,
  leaseFor,
  newConversation,
  START,
  takeTurn,
  userMessage,
} from '../helpers/conversations.ts'

/** Two processes on one store. */
export interface TwoSides {
  store: ConversationStore
  other: ConversationStore
  /** Everything that the store holds, names too, as one text. */
  stored(): Promise<string>
}

/** What every store of conversations promises. `open` returns an empty one. */
export function conversationStoreContract(open: (clock: Clock) => Promise<TwoSides>): void {
  /** A store with one conversation in it. */
  async function opened(more: Partial<ConversationStart> = {}) {
    const time = { now: START }
    const sides = await open(() => new Date(time.now))
    const start = newConversation(START, more)
    await sides.store.create(start)
    return { time, ...sides, start, id: start.conversation_id, owner: start.owner }
  }

  describe('a conversation', () => {
    it('is kept as it was started', async () => {
      const { other, start, owner, id } = await opened()
      expect(await other.read(owner, id)).toEqual({ ...start, turns: [], updated_at: start.created_at })
    })

    it('holds its turns in order, each with its answer', async () => {
      const { store, other, time, start, owner, id } = await opened()
      const turns = []
      for (let turn = 1; turn <= 12; turn++) {
        time.now += 60_000
        const side = turn % 2 ? store : other
        const { user, assistant } = await takeTurn(side, owner, id, { turn, ms: time.now, said: `m${turn}` })
        turns.push({ turn, user, assistant })
      }
      expect(await store.read(owner, id)).toEqual({ ...start, turns, updated_at: iso(time.now) })
    })

    it('is not changed by creating it again', async () => {
      const { store, other, start, owner, id } = await opened()
      await takeTurn(store, owner, id, { turn: 1, ms: START })
      await other.create(start)
      expect((await store.read(owner, id))?.turns).toHaveLength(1)
    })

    it('hands out copies, never its own memory', async () => {
      const { store, start, owner, id } = await opened()
      const { user } = await takeTurn(store, owner, id, { turn: 1, ms: START })
      const before = structuredClone(await store.read(owner, id))
      const read = await store.read(owner, id)
      for (const { user, assistant } of read?.turns ?? []) {
        Object.assign(user, { content: 'changed', keys: [] })
        Object.assign(assistant?.use ?? {}, { model: 'changed' })
      }
      read?.turns.push({ turn: 2, user: userMessage(START) })
      Object.assign(read?.owner ?? {}, { sub: 'changed' })
      Object.assign(user, { content: 'changed' })
      start.config.max_turns = 1
      expect(await store.read(owner, id)).toEqual(before)
    })

    it.each([
      ['a NUL and control characters', 'a\0b\u0001\r\n\t\u2028\u2029\u007f'],
      ['halves of characters', 'x\ud800y\udc00 \ud83d'],
      ['emoji', '👩‍👩‍👧‍👦 é e\u0301 \u{1f600}'],
      ['what looks like JSON', '{"kind":"assistant"}\n{"kind":"start"}\n'],
      ['a byte-order mark', '\ufeffx'],
      ['50 KB', 'é'.repeat(25_600)],
      ['50 KB of NUL', '\0'.repeat(51_200)],
      ['nothing', ''],
    ])('keeps texts exactly: %s', async (_, text) => {
      const { store, other, start, owner, id } = await opened({ system: text, opening: text })
      const said = { turn: 1, ms: START, said: text, answered: text }
      const { user, assistant } = await takeTurn(store, owner, id, said)
      expect(await other.read(owner, id)).toEqual({
        ...start,
        turns: [{ turn: 1, user, assistant }],
        updated_at: start.created_at,
      })
    })

    it('keeps the largest texts that topics render to, and a long answer', async () => {
      const text = (seed: string) => `${seed}é\u{1f600}\n`.repeat(100_000).slice(0, 400_000)
      const { store, other, start, owner, id } = await opened({ system: text('s'), opening: text('o') })
      const said = { turn: 1, ms: START, said: 'x', answered: text('answer') }
      const { user, assistant } = await takeTurn(store, owner, id, said)
      const read = await other.read(owner, id)
      expect(read).toEqual({
        ...start,
        turns: [{ turn: 1, user, assistant }],
        updated_at: start.created_at,
      })
      expect(await other.erase(owner, id)).toEqual({ conversations: 1, messages: 2 })
    })

    it('keeps settings that it does not know', async () => {
      const config = { default_model: 'm', deep: { a: [null, { b: 1e-300 }] }, __proto__x: '', '': 0 }
      const { other, owner, id } = await opened({ config })
      expect((await other.read(owner, id))?.config).toEqual(config)
    })
  })

  describe('a turn', () => {
    it('is begun with its message and a lease, and finished with its answer', async () => {
      const { store, other, start, owner, id } = await opened()
      const [user, lease, assistant] = [userMessage(START + 5), leaseFor(START + 5), answer(START + 9)]
      expect(await store.beginTurn(owner, id, { turn: 1, user }, lease)).toBe(true)
      const begun = { ...start, turns: [{ turn: 1, user }], updated_at: user.created_at }
      expect(await other.read(owner, id)).toEqual({ ...begun, lease })
      expect(await store.finishTurn(owner, id, lease, assistant)).toBe(true)
      const turns = [{ turn: 1, user, assistant }]
      expect(await other.read(owner, id)).toEqual({ ...begun, turns, updated_at: assistant.created_at })
    })

    it('is begun by just one of many who try at the same time', async () => {
      const { store, other, owner, id } = await opened()
      const tries = Array.from({ length: 20 }, (_, index) => ({
        side: index % 2 ? store : other,
        user: userMessage(START, `try ${index}`),
        lease: leaseFor(START),
      }))
      const begun = await Promise.all(
        tries.map(({ side, user, lease }) => side.beginTurn(owner, id, { turn: 1, user }, lease)),
      )
      expect(begun.filter(Boolean)).toHaveLength(1)
      const winner = tries[begun.indexOf(true)]
      const read = await other.read(owner, id)
      expect(read?.turns).toEqual([{ turn: 1, user: winner?.user }])
      expect(read?.lease).toEqual(winner?.lease)
    })

    it('is the next one and no other', async () => {
      const { store, owner, id } = await opened()
      const begin = (turn: number) =>
        store.beginTurn(owner, id, { turn, user: userMessage(START) }, leaseFor(START, turn))
      for (const turn of [0, -1, 2, 3]) expect(await begin(turn)).toBe(false)
      await takeTurn(store, owner, id, { turn: 1, ms: START })
      for (const turn of [0, 1, 3]) expect(await begin(turn)).toBe(false)
      expect((await store.read(owner, id))?.turns).toHaveLength(1)
      expect(await begin(2)).toBe(true)
    })

    it('that has no answer is begun again, with another message', async () => {
      const { store, other, owner, id } = await opened()
      await takeTurn(store, owner, id, { turn: 1, ms: START })
      const [first, second] = [userMessage(START, 'x'.repeat(9_000)), userMessage(START + 1, 'second')]
      const lost = leaseFor(START, 2)
      expect(await store.beginTurn(owner, id, { turn: 2, user: first }, lost)).toBe(true)
      await store.releaseLease(owner, id, lost.token)
      const lease = leaseFor(START + 1, 2)
      expect(await other.beginTurn(owner, id, { turn: 2, user: second }, lease)).toBe(true)
      expect((await store.read(owner, id))?.turns[1]).toEqual({ turn: 2, user: second })
      expect(await store.finishTurn(owner, id, lost, answer(START))).toBe(false)
      expect(await other.finishTurn(owner, id, lease, answer(START))).toBe(true)
    })

    it('follows one that has no answer, whose message stays', async () => {
      const { store, other, owner, id } = await opened()
      const users = [1, 2, 3].map((turn) => userMessage(START + turn, `message ${turn}`))
      for (const [at, user] of users.entries()) {
        const turn = at + 1
        const lease = leaseFor(START, turn)
        expect(await store.beginTurn(owner, id, { turn, user }, lease)).toBe(true)
        await other.releaseLease(owner, id, lease.token)
      }
      const lease = leaseFor(START, 3)
      expect(
        await other.beginTurn(owner, id, { turn: 2, user: userMessage(START) }, leaseFor(START, 2)),
      ).toBe(false)
      expect(
        await other.beginTurn(owner, id, { turn: 3, user: userMessage(START + 4, 'third') }, lease),
      ).toBe(true)
      const assistant = answer(START + 5)
      expect(await other.finishTurn(owner, id, lease, assistant)).toBe(true)
      const { turns = [] } = (await store.read(owner, id)) ?? {}
      expect(turns.map(({ user, ...rest }) => [user.content, rest.assistant?.id])).toEqual([
        ['message 1', undefined],
        ['message 2', undefined],
        ['third', assistant.id],
      ])
      expect((await takeTurn(store, owner, id, { turn: 4, ms: START + 6 })).lease.turn).toBe(4)
      expect(await store.erase(owner, id)).toEqual({ conversations: 1, messages: 6 })
    })

    it('is finished once, however often that is said', async () => {
      const { store, other, owner, id } = await opened()
      const { lease, assistant } = await takeTurn(store, owner, id, { turn: 1, ms: START })
      const before = await store.read(owner, id)
      expect(await store.finishTurn(owner, id, lease, assistant)).toBe(true)
      expect(await other.finishTurn(owner, id, lease, assistant)).toBe(true)
      expect(await other.finishTurn(owner, id, lease, answer(START, 'another'))).toBe(false)
      expect(await store.read(owner, id)).toEqual(before)
      await takeTurn(store, owner, id, { turn: 2, ms: START })
      expect(await other.finishTurn(owner, id, lease, assistant)).toBe(true)
      expect((await store.read(owner, id))?.turns).toHaveLength(2)
    })
  })

  describe('a lease', () => {
    async function begun() {
      const sides = await opened()
      const lease = leaseFor(START)
      const turn = { turn: 1, user: userMessage(START) }
      expect(await sides.store.beginTurn(sides.owner, sides.id, turn, lease)).toBe(true)
      const tryAgain = () => {
        const ms = sides.time.now
        return sides.other.beginTurn(
          sides.owner,
          sides.id,
          { turn: 1, user: userMessage(ms, 'again') },
          leaseFor(ms),
        )
      }
      return { ...sides, lease, tryAgain }
    }

    it('keeps others out until it expires', async () => {
      const { store, other, time, owner, id, lease, tryAgain } = await begun()
      time.now += LEASE_MS - 1
      expect(await tryAgain()).toBe(false)
      expect((await other.read(owner, id))?.lease).toEqual(lease)
      time.now += 1
      expect((await other.read(owner, id))?.lease).toBeUndefined()
      expect(await tryAgain()).toBe(true)
      expect(await store.renewLease(owner, id, lease)).toBe(false)
      expect(await store.finishTurn(owner, id, lease, answer(time.now))).toBe(false)
      const read = await store.read(owner, id)
      expect(read?.turns).toEqual([{ turn: 1, user: expect.objectContaining({ content: 'again' }) }])
      expect(read?.lease?.token).not.toBe(lease.token)
    })

    it('that expired and that nobody took still counts for its holder', async () => {
      const { store, time, owner, id, lease, tryAgain } = await begun()
      time.now += LEASE_MS + 1
      const renewed = { ...lease, expires_at: iso(time.now + LEASE_MS) }
      expect(await store.renewLease(owner, id, renewed)).toBe(true)
      expect(await tryAgain()).toBe(false)
      time.now += LEASE_MS + 1
      expect(await store.finishTurn(owner, id, renewed, answer(time.now))).toBe(true)
    })

    it('is prolonged, again and again', async () => {
      const { store, other, time, owner, id, lease, tryAgain } = await begun()
      let renewed = lease
      for (let round = 0; round < 5; round++) {
        time.now += LEASE_MS - 1_000
        renewed = { ...lease, expires_at: iso(time.now + LEASE_MS) }
        expect(await store.renewLease(owner, id, renewed)).toBe(true)
        expect(await tryAgain()).toBe(false)
        expect((await other.read(owner, id))?.lease).toEqual(renewed)
      }
      expect(await store.finishTurn(owner, id, renewed, answer(time.now))).toBe(true)
      expect((await other.read(owner, id))?.lease).toBeUndefined()
      expect(await store.renewLease(owner, id, renewed)).toBe(false)
    })

    it('is taken away by a process that cancels', async () => {
      const { store, other, time, owner, id, lease, tryAgain } = await begun()
      await other.releaseLease(owner, id, lease.token)
      await other.releaseLease(owner, id, lease.token)
      const read = await store.read(owner, id)
      expect(read?.lease).toBeUndefined()
      expect(read?.turns).toHaveLength(1)
      expect(await store.renewLease(owner, id, lease)).toBe(false)
      expect(await store.finishTurn(owner, id, lease, answer(time.now))).toBe(false)
      expect(await tryAgain()).toBe(true)
    })

    it('is taken away by its token alone', async () => {
      const { store, other, owner, id, lease } = await begun()
      await other.releaseLease(owner, id, 'another')
      expect((await store.read(owner, id))?.lease).toEqual(lease)
      await other.releaseLease(owner, id, lease.token)
      expect((await store.read(owner, id))?.lease).toBeUndefined()
    })

    it('does not move the time of the last message', async () => {
      const { store, time, owner, id, lease } = await begun()
      time.now += 5_000
      await store.renewLease(owner, id, { ...lease, expires_at: iso(time.now + LEASE_MS) })
      await store.releaseLease(owner, id, lease.token)
      expect((await store.read(owner, id))?.updated_at).toBe(iso(START))
    })
  })

  describe('an owner', () => {
    const long = 'x'.repeat(1_000)
    const owners: Owner[] = [
      ANNA,
      { sub: 'anna', tenant: '' },
      { sub: '', tenant: 'anna' },
      { sub: 'acme', tenant: 'anna' },
      // Pairs that are the same once they are joined, with or without a separator.
      { sub: 'b:c', tenant: 'a' },
      { sub: 'c', tenant: 'a:b' },
      { sub: 'bc', tenant: 'a' },
      { sub: 'c', tenant: 'ab' },
      { sub: 'b#c', tenant: 'a' },
      { sub: 'c', tenant: 'a#b' },
      { sub: 'c', tenant: 'a","b' },
      { sub: 'b","c', tenant: 'a' },
      { sub: '/', tenant: '..' },
      { sub: '..', tenant: '/' },
      { sub: '../../../keys.json', tenant: '' },
      { sub: 'a\0b', tenant: '\0' },
      { sub: 'a', tenant: '\0' },
      { sub: '\ud800', tenant: '' },
      { sub: '\ud801', tenant: '' },
      { sub: '\\ud800', tenant: '' },
      { sub: '\ufffd', tenant: '' },
      { sub: '👩‍👩‍👧‍👦', tenant: 'é' },
      { sub: '👩‍👩‍👧‍👦', tenant: 'e\u0301' },
      { sub: 'Anna', tenant: 'acme' },
      { sub: ' ', tenant: '%2f' },
      { sub: long, tenant: long },
      { sub: `${long}x`, tenant: long },
      { sub: '__proto__', tenant: 'constructor' },
    ]

    it('sees their own alone, whatever the names', async () => {
      const { store, other } = await open(() => new Date(START))
      const starts = owners.map((owner) => newConversation(START, { owner }))
      await Promise.all(starts.map((start) => store.create(start)))
      for (const [index, owner] of owners.entries()) {
        const start = starts[index] as ConversationStart
        expect(await other.read(owner, start.conversation_id)).toMatchObject(start)
        const listed = await other.list(owner, { limit: 100 })
        expect(listed.map(({ conversation_id }) => conversation_id)).toEqual([start.conversation_id])
        const next = owners[(index + 1) % owners.length] as Owner
        expect(await other.read(next, start.conversation_id)).toBeUndefined()
      }
    })

    it('who is another one finds nothing, and changes nothing', async () => {
      const { store, other, owner, id, stored } = await opened()
      const lease = leaseFor(START)
      await store.beginTurn(owner, id, { turn: 1, user: userMessage(START) }, lease)
      const before = await store.read(owner, id)
      const kept = await stored()
      for (const stranger of owners.slice(1)) {
        const turn = { turn: 1, user: userMessage(START) }
        expect(await other.read(stranger, id)).toBeUndefined()
        expect(await other.beginTurn(stranger, id, turn, leaseFor(START))).toBe(false)
        expect(await other.renewLease(stranger, id, lease)).toBe(false)
        expect(await other.finishTurn(stranger, id, lease, answer(START))).toBe(false)
        await other.releaseLease(stranger, id, lease.token)
        expect(await other.storedIds(stranger, 10)).toEqual([])
        expect(await other.erase(stranger, id)).toBeUndefined()
      }
      expect(await store.read(owner, id)).toEqual(before)
      expect(await stored()).toBe(kept)
    })

    it.each(['', '/', '..', '../x', '\0', 'x'.repeat(1_000), 'é'.repeat(300), '👩‍👩‍👧‍👦', '\ud800', '{}'])(
      'finds nothing under an id that none has: %j',
      async (id) => {
        const { store, owner } = await opened()
        expect(await store.read(owner, id)).toBeUndefined()
        const turn = { turn: 1, user: userMessage(START) }
        expect(await store.beginTurn(owner, id, turn, leaseFor(START))).toBe(false)
        expect(await store.renewLease(owner, id, leaseFor(START))).toBe(false)
        expect(await store.finishTurn(owner, id, leaseFor(START), answer(START))).toBe(false)
        await store.releaseLease(owner, id, 'any')
        expect(await store.erase(owner, id)).toBeUndefined()
        expect(await store.list(owner, { limit: 10 })).toHaveLength(1)
      },
    )
  })

  describe('a list', () => {
    it('shows those first that were started last, without their messages', async () => {
      const { store, other, time, start, owner, id } = await opened()
      time.now += 60_000
      const later = newConversation(time.now, { topic_id: 'goals', topic_revision: 7 })
      await other.create(later)
      await takeTurn(store, owner, id, { turn: 1, ms: time.now + 5 })
      const turn = { turn: 2, user: userMessage(time.now + 7) }
      await store.beginTurn(owner, id, turn, leaseFor(time.now, 2))
      expect(await other.list(owner, { limit: 10 })).toEqual([
        {
          conversation_id: later.conversation_id,
          topic_id: 'goals',
          topic_revision: 7,
          created_at: later.created_at,
          turns: 0,
          updated_at: later.created_at,
        },
        {
          conversation_id: id,
          topic_id: start.topic_id,
          topic_revision: start.topic_revision,
          created_at: start.created_at,
          turns: 2,
          updated_at: iso(time.now + 7),
        },
      ])
    })

    it('comes in pages without gaps or repeats, also while others come and go', async () => {
      const { store, other, id: first } = await opened()
      const ids = [first]
      for (let number = 0; number < 24; number++) {
        const next = newConversation(START + Math.floor(number / 5))
        await store.create(next)
        ids.push(next.conversation_id)
      }
      const expected = ids.toReversed()
      const seen: string[] = []
      for (;;) {
        const before = seen.at(-1)
        const page = await other.list(ANNA, { limit: 7, ...(before !== undefined && { before }) })
        seen.push(...page.map(({ conversation_id }) => conversation_id))
        if (page.length < 7) break
        if (seen.length !== 7) continue
        await store.create(newConversation(START + 1_000))
        // The one that the next page begins after, and one that it will not show any more.
        await store.erase(ANNA, expected[6] as string)
        await store.erase(ANNA, expected[20] as string)
      }
      expect(seen).toEqual(expected.filter((_, index) => index !== 20))
    })

    it('of nobody is empty', async () => {
      const { store } = await opened()
      expect(await store.list({ sub: 'ben', tenant: 'acme' }, { limit: 10 })).toEqual([])
    })
  })

  describe('after 30 days without a message', () => {
    it('a conversation is as if it were not there, and can still be erased', async () => {
      const { store, other, time, owner, id, stored } = await opened({ system: 'Kaleidoscope' })
      time.now += 3 * DAY_MS
      const lease = leaseFor(time.now)
      const user = userMessage(time.now, 'Tintinnabulation')
      await store.beginTurn(owner, id, { turn: 1, user }, lease)
      time.now += CONVERSATION_LIFETIME_MS - 1
      expect((await other.read(owner, id))?.turns).toHaveLength(1)
      expect(await other.list(owner, { limit: 10 })).toHaveLength(1)
      time.now += 1
      expect(await other.read(owner, id)).toBeUndefined()
      const turn = { turn: 1, user: userMessage(time.now) }
      expect(await other.beginTurn(owner, id, turn, leaseFor(time.now))).toBe(false)
      expect(await store.renewLease(owner, id, { ...lease, expires_at: iso(time.now + 1) })).toBe(false)
      expect(await store.finishTurn(owner, id, lease, answer(time.now))).toBe(false)
      await store.releaseLease(owner, id, lease.token)
      expect(await other.list(owner, { limit: 10 })).toEqual([])
      expect(await other.storedIds(owner, 10)).toEqual([id])
      expect(await other.erase(owner, id)).toEqual({ conversations: 1, messages: 1 })
      expect(await stored()).not.toMatch(/Kaleidoscope|Tintinnabulation/)
      expect(await other.storedIds(owner, 10)).toEqual([])
    })

    it('a list shows the others, as many as it may', async () => {
      const { store, other, time, owner } = await opened()
      const ids = []
      for (let number = 0; number < 6; number++) {
        const next = newConversation(START + number)
        await store.create(next)
        ids.push(next.conversation_id)
      }
      time.now += 10 * DAY_MS
      const alive = [ids[0], ids[3]] as string[]
      for (const id of alive) await takeTurn(store, owner, id, { turn: 1, ms: time.now })
      time.now += 25 * DAY_MS
      const shown = async (limit: number) =>
        (await other.list(owner, { limit })).map(({ conversation_id }) => conversation_id)
      expect(await shown(1)).toEqual([ids[3]])
      expect(await shown(2)).toEqual([ids[3], ids[0]])
      expect(await shown(3)).toEqual([ids[3], ids[0]])
    })

    it('one that goes on lives on', async () => {
      const { store, other, time, owner, id } = await opened()
      for (let turn = 1; turn <= 5; turn++) {
        time.now += 29 * DAY_MS
        await takeTurn(turn % 2 ? store : other, owner, id, { turn, ms: time.now })
      }
      expect((await store.read(owner, id))?.turns).toHaveLength(5)
    })
  })

  describe('erasing', () => {
    it('removes every byte of a conversation, and nothing of others', async () => {
      const { store, other, owner, id, stored } = await opened({ system: 'Kaleidoscope' })
      await takeTurn(store, owner, id, {
        turn: 1,
        ms: START,
        said: 'Tintinnabulation',
        answered: 'Quodlibet',
      })
      const [first, second] = [userMessage(START, 'Sesquipedalian'), userMessage(START, 'Borborygmus')]
      const lease = leaseFor(START, 2)
      await store.beginTurn(owner, id, { turn: 2, user: first }, lease)
      await store.releaseLease(owner, id, lease.token)
      await store.beginTurn(owner, id, { turn: 2, user: second }, leaseFor(START, 2))
      const neighbour = newConversation(START)
      await other.create(neighbour)
      const secrets = /Kaleidoscope|Tintinnabulation|Quodlibet|Sesquipedalian|Borborygmus/
      expect(await stored()).toMatch(secrets)
      expect(await other.erase(owner, id)).toEqual({ conversations: 1, messages: 3 })
      expect(await stored()).not.toMatch(secrets)
      expect(await stored()).not.toContain(id)
      expect(await store.read(owner, id)).toBeUndefined()
      expect(await store.read(owner, neighbour.conversation_id)).toMatchObject(neighbour)
      expect(await store.erase(owner, neighbour.conversation_id)).toEqual({ conversations: 1, messages: 0 })
      expect(await stored()).not.toMatch(/anna|acme/i)
    })

    it('finds nothing the second time', async () => {
      const { store, other, owner, id } = await opened()
      await store.erase(owner, id)
      expect(await other.erase(owner, id)).toBeUndefined()
      expect(await other.erase(owner, conversationId())).toBeUndefined()
    })

    it('ends a turn that is being answered, which stores nothing any more', async () => {
      const { store, other, owner, id, stored } = await opened()
      const lease = leaseFor(START)
      await store.beginTurn(owner, id, { turn: 1, user: userMessage(START) }, lease)
      expect(await other.erase(owner, id)).toEqual({ conversations: 1, messages: 1 })
      expect(await store.renewLease(owner, id, lease)).toBe(false)
      expect(await store.finishTurn(owner, id, lease, answer(START, 'Quodlibet'))).toBe(false)
      await store.releaseLease(owner, id, lease.token)
      expect(await store.storedIds(owner, 10)).toEqual([])
      expect(await stored()).not.toMatch(/Quodlibet/)
    })

    it('leaves nothing when others go on at the same time', async () => {
      const { store, other, owner, id, stored } = await opened()
      const talk = async (side: ConversationStore) => {
        for (let turn = 1; turn <= 10; turn++) {
          const lease = leaseFor(START, turn)
          await side.beginTurn(owner, id, { turn, user: userMessage(START, 'Tintinnabulation') }, lease)
          await side.finishTurn(owner, id, lease, answer(START, 'Quodlibet'))
        }
      }
      const erase = async () => {
        await talk(store)
        return Promise.all([other.erase(owner, id), store.erase(owner, id)])
      }
      await Promise.all([talk(store), talk(other), erase()])
      expect(await store.read(owner, id)).toBeUndefined()
      expect(await stored()).not.toMatch(/Tintinnabulation|Quodlibet|anna/)
    })
  })
}
