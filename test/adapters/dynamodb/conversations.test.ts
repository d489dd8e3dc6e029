import { DeleteCommand } from '@aws-sdk/lib-dynamodb'
import pMap from 'p-map'
import { expect, it } from 'vitest'
import { dynamoConversations } from '../../../src/adapters/dynamodb/conversations.ts'
import type { Lease } from '../../../src/domain/conversation.ts'
import { conversationStoreContract } from '../../contracts/conversation-store.ts'
import {
  ANNA,
  answer,
  DAY_MS,
  iso,
  leaseFor,
  newConversation,
  START,
  takeTurn,
  userMessage,
} from '../../helpers/conversations.ts'
import { openConversationsTable } from '../../helpers/conversations-table.ts'
import { failureOf } from '../../helpers/errors.ts'
import { waitFor } from '../../helpers/program.ts'
import { type AwsParts, describeWithAws } from '../../stand-ins/aws.ts'
import {
  accessDenied,
  drop,
  dropResponse,
  errorAnswer,
  type Fault,
  throttle,
} from '../../stand-ins/faults.ts'

describeWithAws('conversations in DynamoDB', (parts) => {
  conversationStoreContract(async (clock) => {
    const { table, side, items } = await openConversationsTable(parts)
    const open = async () => dynamoConversations((await side()).client, table, clock)
    return { store: await open(), other: await open(), stored: async () => JSON.stringify(await items()) }
  })
})

/** A table with one conversation, and two sides: `store` behind a proxy, `other` behind another one. */
async function opened(parts: AwsParts) {
  const { table, side, items } = await openConversationsTable(parts)
  const time = { now: START }
  const clock = () => new Date(time.now)
  const [{ client, proxy }, others] = [await side(), await side()]
  const store = dynamoConversations(client, table, clock)
  const other = dynamoConversations(others.client, table, clock)
  const start = newConversation(START)
  await other.create(start)
  const ops = () => proxy.requests.map(({ op }) => op)
  return {
    table,
    client: others.client,
    items,
    time,
    store,
    other,
    proxy,
    ops,
    start,
    id: start.conversation_id,
  }
}

describeWithAws('the table of conversations', (parts) => {
  it('takes three requests for a turn, however many came before', async () => {
    const { store, proxy, ops, id } = await opened(parts)
    for (let turn = 1; turn <= 30; turn++) {
      proxy.reset()
      await store.read(ANNA, id)
      await takeTurn(store, ANNA, id, { turn, ms: START, said: 'x'.repeat(3_000) })
      expect(ops()).toEqual(['Query', 'TransactWriteItems', 'TransactWriteItems'])
    }
  })

  it('shows nothing of an owner or an id in the keys, and an index of the first items alone', async () => {
    const { store, id, items } = await opened(parts)
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    const found = await items()
    expect(found.map(({ part }) => part)).toEqual([
      'head',
      'start#00',
      'turn#00001#assistant#00',
      'turn#00001#user#00',
    ])
    for (const { conversation } of found) expect(conversation).toMatch(/^[0-9a-f]{64}$/)
    expect(found.filter(({ owner }) => owner !== undefined)).toEqual([
      expect.objectContaining({ part: 'head', owner: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    ])
  })

  it('reads a conversation of several pages whole', async () => {
    const { store, ops, proxy, id } = await opened(parts)
    const answered = 'é'.repeat(150_000)
    for (let turn = 1; turn <= 8; turn++) await takeTurn(store, ANNA, id, { turn, ms: START, answered })
    proxy.reset()
    const read = await store.read(ANNA, id)
    expect(read?.turns.map(({ assistant }) => assistant?.content === answered)).toEqual(Array(8).fill(true))
    expect(ops().length).toBeGreaterThan(2)
    expect(await store.erase(ANNA, id)).toEqual({ conversations: 1, messages: 16 })
  })

  it('refuses texts that no transaction can hold, and stores nothing of them', async () => {
    const { store, id, items } = await opened(parts)
    const before = await items()
    const text = '\0'.repeat(700_000)
    const failure = await failureOf(() => store.create(newConversation(START, { system: text })))
    expect(failure).toMatchObject({ code: 'too_large', message: expect.stringContaining('3900000 bytes') })
    const lease = leaseFor(START)
    expect((await failureOf(() => store.finishTurn(ANNA, id, lease, answer(START, text)))).code).toBe(
      'too_large',
    )
    expect(await items()).toEqual(before)
  })

  it('answers a page of a list with one request, also of thousands', async () => {
    const { store, other, ops } = await opened(parts)
    await pMap(Array(1_000).keys(), (number) => other.create(newConversation(START + number)), {
      concurrency: 8,
    })
    const page = await store.list(ANNA, { limit: 100 })
    const next = await store.list(ANNA, { limit: 100, before: page.at(-1)?.conversation_id ?? '' })
    expect(new Set([...page, ...next].map(({ conversation_id }) => conversation_id)).size).toBe(200)
    expect(ops()).toEqual(['Query', 'Query'])
  }, 60_000)

  it('lets all items of a conversation expire after its last message, and none before', async () => {
    const { store, time, items, ops, proxy, id } = await opened(parts)
    for (let turn = 1; turn <= 6; turn++) {
      time.now += 12 * 60 * 60_000
      await takeTurn(store, ANNA, id, { turn, ms: time.now })
      for (const { expires_at } of await items()) {
        const keptFor = (expires_at as number) * 1_000 - time.now
        expect(keptFor).toBeGreaterThan(30 * DAY_MS)
        expect(keptFor).toBeLessThanOrEqual(32 * DAY_MS + 1_000)
      }
    }
    // Every two days the items of earlier messages are told that the conversation goes on.
    expect(ops().filter((op) => op === 'UpdateItem').length).toBeGreaterThan(2)
    proxy.reset()
    time.now += 12 * 60 * 60_000
    await takeTurn(store, ANNA, id, { turn: 7, ms: time.now })
    expect(ops()).toEqual(['TransactWriteItems', 'TransactWriteItems'])
  })

  it('does not bring back what is erased while it is kept longer', async () => {
    const { store, other, time, items, proxy, id } = await opened(parts)
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    time.now += 10 * DAY_MS
    proxy.beforeForward = async (op, nth) => {
      if (op === 'UpdateItem' && nth === 1) await other.erase(ANNA, id)
    }
    const turn = { turn: 2, user: userMessage(time.now) }
    expect(await store.beginTurn(ANNA, id, turn, leaseFor(time.now, 2))).toBe(false)
    expect(await items()).toEqual([])
  })

  it('says of a conversation that has lost an item that it cannot be read', async () => {
    const { store, client, table, items, id } = await opened(parts)
    await takeTurn(store, ANNA, id, { turn: 1, ms: START })
    const [{ conversation } = {}] = await items()
    const Key = { conversation, part: 'turn#00001#user#00' }
    await client.send(new DeleteCommand({ TableName: table, Key }))
    const failure = await failureOf(() => store.read(ANNA, id))
    expect(failure.code).toBe('unavailable')
    expect(failure.operatorMessage).toContain(id)
    expect(await store.erase(ANNA, id)).toEqual({ conversations: 1, messages: 1 })
    expect(await items()).toEqual([])
  })
})

describeWithAws('faults of the table of conversations', (parts) => {
  it('that pass are not noticed', async () => {
    const { store, other, proxy, id } = await opened(parts)
    const passing = () => [throttle(), drop(), dropResponse()]
    for (const fault of passing()) proxy.inject(fault, { op: 'TransactWriteItems' })
    const fresh = newConversation(START)
    await store.create(fresh)
    const [user, lease, assistant] = [userMessage(START), leaseFor(START), answer(START)]
    for (const fault of passing()) proxy.inject(fault, { op: 'TransactWriteItems' })
    expect(await store.beginTurn(ANNA, id, { turn: 1, user }, lease)).toBe(true)
    for (const fault of passing()) proxy.inject(fault, { op: 'UpdateItem' })
    expect(await store.renewLease(ANNA, id, lease)).toBe(true)
    for (const fault of passing()) proxy.inject(fault, { op: 'TransactWriteItems' })
    expect(await store.finishTurn(ANNA, id, lease, assistant)).toBe(true)
    for (const fault of passing()) proxy.inject(fault, { op: 'Query' })
    expect((await store.read(ANNA, id))?.turns).toEqual([{ turn: 1, user, assistant }])
    for (const fault of passing()) proxy.inject(fault, { op: /Item$/ })
    expect(await store.erase(ANNA, id)).toEqual({ conversations: 1, messages: 2 })
    expect(await other.storedIds(ANNA, 10)).toHaveLength(1)
  })

  it('in which another write is in the way are waited out', async () => {
    const { store, proxy, id } = await opened(parts)
    for (let count = 0; count < 3; count++) proxy.inject(conflict(), { op: 'TransactWriteItems' })
    const lease = leaseFor(START)
    expect(await store.beginTurn(ANNA, id, { turn: 1, user: userMessage(START) }, lease)).toBe(true)
    for (let count = 0; count < 2; count++)
      proxy.inject({ ...conflict('TransactionConflictException') }, { op: 'UpdateItem' })
    expect(await store.renewLease(ANNA, id, lease)).toBe(true)
  })

  it('in which the same write is still under way are no refusal', async () => {
    const { store, proxy, id } = await opened(parts)
    const lease = leaseFor(START)
    const arrived = (): Fault => ({
      name: 'arrived',
      async act(asked, respond) {
        await respond(asked)
        return errorAnswer(asked, 400, 'TransactionInProgressException', 'in progress')
      },
    })
    proxy.inject(arrived(), { op: 'TransactWriteItems' })
    expect(await store.beginTurn(ANNA, id, { turn: 1, user: userMessage(START) }, lease)).toBe(true)
    proxy.inject(arrived(), { op: 'TransactWriteItems' })
    expect(await store.finishTurn(ANNA, id, lease, answer(START))).toBe(true)
    const read = await store.read(ANNA, id)
    expect(read?.turns).toHaveLength(1)
    expect(read?.lease).toBeUndefined()
  })

  it('are an outage, and say to the operator what is missing', async () => {
    const { store, table, start, proxy, id } = await opened(parts)
    const lease = leaseFor(START)
    proxy.inject(accessDenied(), { times: Number.POSITIVE_INFINITY })
    const calls: [action: string, call: () => unknown][] = [
      ['PutItem', () => store.create(start)],
      ['Query', () => store.read(ANNA, id)],
      ['UpdateItem', () => store.beginTurn(ANNA, id, { turn: 1, user: userMessage(START) }, lease)],
      ['UpdateItem', () => store.renewLease(ANNA, id, lease)],
      ['UpdateItem', () => store.finishTurn(ANNA, id, lease, answer(START))],
      ['UpdateItem', () => store.releaseLease(ANNA, id, lease.token)],
      ['Query', () => store.list(ANNA, { limit: 1 })],
      ['UpdateItem', () => store.erase(ANNA, id)],
    ]
    for (const [action, call] of calls) {
      const failure = await failureOf(call)
      expect(failure.code).toBe('unavailable')
      expect(failure.operatorMessage).toContain(`Add dynamodb:${action} on table ${table}`)
    }
  })
})

/** Another write of the same item is under way. */
function conflict(name = 'TransactionCanceledException'): Fault {
  return {
    name,
    async act(asked) {
      const answered = errorAnswer(asked, 400, name, 'Transaction cancelled')
      const reasons = { CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }] }
      const body = Buffer.from(JSON.stringify({ ...JSON.parse(answered.body.toString()), ...reasons }))
      return { ...answered, body }
    },
  }
}

/** When a process is killed: before a request reaches the server, or when the server has done it. */
interface Cut {
  when: 'before' | 'after'
  nth: number
}

describeWithAws('a process that is killed around any of its requests', (parts) => {
  type Opened = Awaited<ReturnType<typeof opened>>

  /** Runs `work`, and lets nothing of it reach the server after the cut. Answers how many requests came through. */
  async function killed({ proxy }: Opened, work: () => Promise<unknown>, cut?: Cut): Promise<number> {
    proxy.reset()
    let [asked, done, underWay] = [0, 0, 0]
    let isDead = false
    const dying = new Promise<void>((resolve) => {
      const dieIf = (isTime: boolean) => {
        if (isTime) isDead = true
        if (!isDead) return
        resolve()
        throw new Error('killed')
      }
      proxy.beforeForward = () => {
        dieIf(cut?.when === 'before' && ++asked === cut.nth)
        underWay++
      }
      proxy.afterForward = () => {
        underWay--
        done++
        dieIf(cut?.when === 'after' && done === cut.nth)
      }
    })
    // What a dead process would do about it is of no interest.
    await Promise.race([work().catch(() => {}), dying])
    // The server goes on with what had reached it.
    await waitFor(() => underWay === 0)
    return done
  }

  /** Each cut of a work on a table of its own. */
  async function everywhere(
    prepare: () => Promise<Opened & { lease: Lease }>,
    work: (opened: Opened & { lease: Lease }) => Promise<unknown>,
    inspect: (opened: Opened & { lease: Lease }) => Promise<void>,
  ): Promise<number> {
    const whole = await prepare()
    const requests = await killed(whole, () => work(whole))
    await inspect(whole)
    const cuts = Array.from({ length: requests }, (_, index): Cut[] => [
      { when: 'before', nth: index + 1 },
      { when: 'after', nth: index + 1 },
    ]).flat()
    for (const cut of cuts) {
      const one = await prepare()
      await killed(one, () => work(one), cut)
      await inspect(one)
    }
    return requests
  }

  const prepared = async () => ({ ...(await opened(parts)), lease: leaseFor(START) })
  const user = userMessage(START, 'said')
  const assistant = answer(START, 'answered')

  it('leaves a message there once or not at all, and a lease that ends', async () => {
    const requests = await everywhere(
      prepared,
      ({ store, id, lease }) => store.beginTurn(ANNA, id, { turn: 1, user }, lease),
      async ({ other, id, time, lease }) => {
        const read = await other.read(ANNA, id)
        expect([[], [{ turn: 1, user }]]).toContainEqual(read?.turns)
        expect(read?.lease).toEqual(read?.turns.length === 0 ? undefined : lease)
        time.now = Date.parse(lease.expires_at)
        await takeTurn(other, ANNA, id, { turn: 1, ms: time.now })
      },
    )
    expect(requests).toBe(1)
  })

  it('leaves an answer there once or not at all, and can be finished once more', async () => {
    await everywhere(
      async () => {
        const one = await prepared()
        await one.other.beginTurn(ANNA, one.id, { turn: 1, user }, one.lease)
        return one
      },
      ({ store, id, lease }) => store.finishTurn(ANNA, id, lease, assistant),
      async ({ other, id, lease }) => {
        const read = await other.read(ANNA, id)
        expect([[{ turn: 1, user }], [{ turn: 1, user, assistant }]]).toContainEqual(read?.turns)
        expect(read?.lease).toEqual(read?.turns[0]?.assistant ? undefined : lease)
        expect(await other.finishTurn(ANNA, id, lease, assistant)).toBe(true)
        expect((await other.read(ANNA, id))?.turns).toEqual([{ turn: 1, user, assistant }])
      },
    )
  })

  it('while it tells earlier items that the conversation goes on leaves it as it was', async () => {
    const later = START + 20 * DAY_MS
    const requests = await everywhere(
      async () => {
        const one = await prepared()
        await takeTurn(one.other, ANNA, one.id, { turn: 1, ms: START })
        one.time.now = later
        return { ...one, lease: leaseFor(later, 2) }
      },
      ({ store, id, lease }) => store.beginTurn(ANNA, id, { turn: 2, user: userMessage(later) }, lease),
      async ({ other, id, time, lease, items }) => {
        time.now = Date.parse(lease.expires_at)
        await takeTurn(other, ANNA, id, { turn: 2, ms: time.now })
        expect((await other.read(ANNA, id))?.turns).toHaveLength(2)
        for (const item of await items())
          expect(item['expires_at']).toBeGreaterThan((later + 30 * DAY_MS) / 1_000)
      },
    )
    expect(requests).toBe(7)
  })

  it('leaves a conversation that is being erased out of service, and erased by the next attempt', async () => {
    const requests = await everywhere(
      async () => {
        const one = await prepared()
        await takeTurn(one.other, ANNA, one.id, { turn: 1, ms: START })
        await one.other.beginTurn(ANNA, one.id, { turn: 2, user }, { ...one.lease, turn: 2 })
        return one
      },
      ({ store, id }) => store.erase(ANNA, id),
      async ({ other, id, items, lease }) => {
        const left = await items()
        const isUntouched = (await other.read(ANNA, id)) !== undefined
        if (!isUntouched) {
          expect(await other.finishTurn(ANNA, id, { ...lease, turn: 2 }, assistant)).toBe(false)
          expect(await items()).toEqual(left)
          expect(await other.list(ANNA, { limit: 1 })).toEqual([])
        }
        // Whoever erases all of an owner's finds what is left.
        expect(await other.storedIds(ANNA, 1)).toHaveLength(left.length > 0 ? 1 : 0)
        const erased = await other.erase(ANNA, id)
        const messages = left.filter(({ part }) => /^turn/.test(`${part}`)).length
        expect(erased).toEqual(left.length > 0 ? { conversations: 1, messages } : undefined)
        expect(await items()).toEqual([])
      },
    )
    expect(requests).toBe(7)
  })

  it('has made a whole conversation or none', async () => {
    const fresh = newConversation(START, { system: 'x'.repeat(300_000) })
    await everywhere(
      prepared,
      ({ store }) => store.create(fresh),
      async ({ other }) => {
        const read = await other.read(ANNA, fresh.conversation_id)
        expect([undefined, 300_000]).toContain(read?.system.length)
        await other.create(fresh)
        expect((await other.read(ANNA, fresh.conversation_id))?.created_at).toBe(iso(START))
      },
    )
  })
})
