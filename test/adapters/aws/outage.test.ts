import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import { expect, it, onTestFinished } from 'vitest'
import { FRESHNESS_MS, freshPlace, openAws, type Place } from '../../helpers/aws-store.ts'
import { failureOf } from '../../helpers/errors.ts'
import { waitFor } from '../../helpers/program.ts'
import { openServices, put, putBodies } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'
import { type AwsParts, describeWithAws } from '../../stand-ins/aws.ts'
import { startFaultProxy } from '../../stand-ins/fault-proxy.ts'
import { accessDenied, cutBody, drop, latency, slowDown, throttle } from '../../stand-ins/faults.ts'
import { countRounds } from '../../stand-ins/rounds.ts'

const TOPICS = 40

/** A store of topics with two texts each, an instance behind proxies, and another one straight at it. */
async function setUp(parts: AwsParts, topics = TOPICS) {
  const place = await freshPlace(parts)
  const [dynamodb, s3] = [await startFaultProxy(parts.dynamodb), await startFaultProxy(parts.s3)]
  onTestFinished(async () => void (await Promise.all([dynamodb.stop(), s3.stop()])))
  const other = await openServices(openAws(place))
  const ids = Array.from({ length: topics }, (_, index) => `topic_${index}`)
  const content = (id: string) => topicContent(id, { system: `System ${id}`, user: `User ${id}` })
  await pMap(ids, (id) => put(other, content(id)), { concurrency: 8 })
  const behind: Place = { ...place, parts: { ...parts, dynamodb: dynamodb.endpoint, s3: s3.endpoint } }
  const services = await openServices(openAws(behind))
  const { catalog } = services
  const readAll = () => Promise.all(ids.map(async (id) => catalog.texts(catalog.published(id))))
  return { place, behind, dynamodb, s3, other, services, catalog, ids, readAll }
}

describeWithAws('in an outage of AWS', (parts) => {
  it('serves all that is known, says so, refuses writes, and recovers within a second', async () => {
    const { dynamodb, s3, services, other, catalog, readAll } = await setUp(parts)
    await readAll()
    expect(catalog.staleSince()).toBeUndefined()
    dynamodb.outage()
    s3.outage()
    await waitFor(() => catalog.staleSince())
    for (let round = 0; round < 50; round++) {
      expect(await readAll()).toHaveLength(TOPICS)
      expect(catalog.catchUp()).toBeUndefined()
      await sleep(20)
    }
    const startedAt = performance.now()
    const failure = await failureOf(() => putBodies(services, 'topic_1', { user: 'new' }))
    expect(failure).toMatchObject({ code: 'unavailable', retryAfter: 1 })
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    await putBodies(other, 'topic_2', { user: 'Meanwhile' })
    dynamodb.heal()
    s3.heal()
    const healedAt = performance.now()
    await waitFor(() => catalog.staleSince() === undefined)
    expect(performance.now() - healedAt).toBeLessThan(1_000)
    await waitFor(() => catalog.topic('topic_2').revision === 2)
    expect(performance.now() - healedAt).toBeLessThan(1_000 + FRESHNESS_MS)
    expect((await putBodies(services, 'topic_1', { user: 'new' }))?.topic.revision).toBe(2)
    expect(await catalog.texts(catalog.topic('topic_2'))).toMatchObject({ user: 'Meanwhile' })
  })

  it('reads all texts ahead, so that even those nobody asked for are there', async () => {
    const { dynamodb, s3, catalog, readAll } = await setUp(parts)
    // The start of the reading, and some for the reading itself.
    await waitFor(() => s3.requests.filter(({ op }) => op === 'GetObject').length >= 2 * TOPICS)
    await sleep(200)
    s3.outage()
    dynamodb.outage()
    await waitFor(() => catalog.staleSince())
    expect(await readAll()).toHaveLength(TOPICS)
  })

  it('serves what was edited just before, here and elsewhere', async () => {
    const { dynamodb, s3, services, other, catalog } = await setUp(parts, 5)
    await putBodies(other, 'topic_1', { user: 'By the other' })
    await waitFor(() => catalog.topic('topic_1').revision === 2)
    await sleep(200)
    await putBodies(services, 'topic_2', { user: 'By this one' })
    dynamodb.outage()
    s3.outage()
    expect(await catalog.texts(catalog.topic('topic_1'))).toMatchObject({ user: 'By the other' })
    expect(await catalog.texts(catalog.topic('topic_2'))).toMatchObject({ user: 'By this one' })
  })

  it('reads ahead again what it could not read', async () => {
    const { s3, catalog, readAll } = await setUp(parts, 5)
    expect(catalog.canServe()).toBe(true)
    s3.outage()
    await waitFor(() => !catalog.canServe())
    await sleep(1_000)
    s3.heal()
    const before = s3.requests.length
    await waitFor(() => s3.requests.length >= before + 10, 30_000)
    await waitFor(() => catalog.canServe())
    await sleep(200)
    s3.outage()
    expect(await readAll()).toHaveLength(5)
  })

  it('notices that the store does not answer any more, and that it is slow but answers', async () => {
    const { dynamodb, catalog, readAll } = await setUp(parts, 5)
    dynamodb.inject(latency(300), { times: Number.POSITIVE_INFINITY })
    await sleep(2_000)
    expect(catalog.staleSince()).toBeUndefined()
    dynamodb.reset()
    dynamodb.inject(latency(60_000), { times: Number.POSITIVE_INFINITY })
    await waitFor(() => catalog.staleSince())
    expect(await readAll()).toHaveLength(5)
  })

  it('keeps what it knows when its permission is withdrawn', async () => {
    const { dynamodb, catalog, readAll } = await setUp(parts, 5)
    await readAll()
    dynamodb.inject(accessDenied(), { times: Number.POSITIVE_INFINITY })
    await waitFor(() => catalog.staleSince())
    expect(await readAll()).toHaveLength(5)
  })
})

describeWithAws('with faults that pass', (parts) => {
  it('30 % of all calls throttled: no error reaches a caller', async () => {
    const { dynamodb, s3, services, other, catalog, ids, readAll } = await setUp(parts)
    const always = { fraction: 0.3, times: Number.POSITIVE_INFINITY }
    dynamodb.inject(throttle(), always)
    s3.inject(slowDown(), always)
    expect(await readAll()).toHaveLength(TOPICS)
    const edits = ids.slice(0, 30).map((id) => putBodies(services, id, { user: `Throttled ${id}` }))
    expect(await Promise.all(edits)).toHaveLength(30)
    await putBodies(other, 'topic_35', { user: 'Other' })
    await waitFor(() => catalog.topic('topic_35').revision === 2)
    expect(catalog.staleSince()).toBeUndefined()
    for (const { requests } of [dynamodb, s3]) {
      const isThrottled = ({ faults }: { faults: string[] }) => faults.length > 0
      expect(requests.filter(isThrottled).length).toBeGreaterThan(10)
    }
  })

  it('connections cut before and within answers, on either side', async () => {
    const { dynamodb, s3, services, catalog } = await setUp(parts, 3)
    for (const fault of [drop(), cutBody(1)]) {
      for (const side of [dynamodb, s3]) side.inject(fault, { times: 2 })
      const published = await putBodies(services, 'topic_1', { user: `After ${fault.name}` })
      expect(await catalog.texts(catalog.topic('topic_1'))).toMatchObject({ user: `After ${fault.name}` })
      expect(published?.topic.revision).toBe(catalog.topic('topic_1').revision)
    }
  })
})

describeWithAws('what reading costs', (parts) => {
  it('nothing while nothing changes but the look at the feed, and a scan now and then', async () => {
    const { dynamodb, s3, readAll } = await setUp(parts, 10)
    await readAll()
    dynamodb.reset()
    const [before, startedAt] = [[dynamodb.requests.length, s3.requests.length], performance.now()]
    while (performance.now() - startedAt < 4_000) {
      await readAll()
      await sleep(5)
    }
    const calls = dynamodb.requests.slice(before[0])
    expect(new Set(calls.map(({ op }) => op))).toEqual(new Set(['GetItem']))
    expect(calls.length).toBeLessThanOrEqual((4_000 / FRESHNESS_MS) * 2)
    expect(s3.requests.length).toBe(before[1])
  })

  it('a batch of 100 cold topics takes at most four rounds of calls', async () => {
    const { s3, readAll } = await setUp(parts, 100)
    const rounds = await countRounds(s3, readAll)
    expect(rounds).toBeGreaterThan(0)
    expect(rounds).toBeLessThanOrEqual(4)
  })
})
