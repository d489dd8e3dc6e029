import { setImmediate, setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, onTestFinished } from 'vitest'
import { dynamoCounts } from '../../../src/adapters/dynamodb/shared-counts.ts'
import { windowRateLimiter } from '../../../src/adapters/memory/rate-limiter.ts'
import type { ClosableRateLimiter, LimitName } from '../../../src/domain/rate-limiter.ts'
import type { Clock } from '../../../src/util/time.ts'
import { LIMITS, rateLimiterContract, setClock } from '../../contracts/rate-limiter.ts'
import { type OpenTable, openLimitsTable, type Side } from '../../helpers/limits-table.ts'
import { waitFor } from '../../helpers/program.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'
import { accessDenied, dropResponse, latency, throttle } from '../../stand-ins/faults.ts'

const WANTED = { ...LIMITS, retrieval: 1000 }
/** A twentieth of `WANTED.retrieval`: how many unreported calls start a write. */
const SHARE = 50
const ITEM = 'retrieval a 29453760'

/** One instance, and what it has let through of `retrieval` for `a`. */
interface Instance extends Side {
  limiter: ClosableRateLimiter
  warnings: string[]
  through: number
  /** Without the attempts of one that is tried again. */
  writes(): number
  /** The most that was let through during one write. */
  mostDuringWrite(): number
  /** One call; the answer's `allowed`. */
  call(): Promise<boolean>
  /** Waits until no write is under way. */
  settled(): Promise<void>
}

describeWithAws('a limiter with shared counts', (parts) => {
  async function instanceOn(
    { table, side }: OpenTable,
    clock: Clock,
    perMinute: Record<LimitName, number> = WANTED,
  ): Promise<Instance> {
    const { client, proxy } = await side()
    const underWay = new Set<Promise<unknown>>()
    const send = client.send.bind(client)
    let [writes, most] = [0, 0]
    client.send = ((...given: Parameters<typeof send>) => {
      writes++
      const before = instance.through
      const answer = send(...given)
      const noted = (answer as unknown as Promise<unknown>)
        .catch(() => {})
        .finally(() => {
          underWay.delete(noted)
          most = Math.max(most, instance.through - before)
        })
      underWay.add(noted)
      return answer
    }) as typeof send
    const warnings: string[] = []
    const warn = (message: string) => void warnings.push(message)
    const counts = dynamoCounts({ client, table, warn })
    const limiter = windowRateLimiter({ perMinute, clock, counts })
    onTestFinished(() => limiter.close())
    const instance: Instance = {
      client,
      proxy,
      limiter,
      warnings,
      through: 0,
      writes: () => writes,
      mostDuringWrite: () => most,
      async call() {
        const { allowed } = await limiter.consume('a', 'retrieval', 1)
        if (allowed) instance.through++
        return allowed
      },
      async settled() {
        do {
          await Promise.all(underWay)
          await setImmediate()
        } while (underWay.size > 0)
      },
    }
    return instance
  }

  /** So many instances on one table, by one clock. */
  async function instances(number: number, perMinute = WANTED) {
    const opened = await openLimitsTable(parts)
    const { clock, pass } = setClock()
    const all = await Promise.all(Array.from({ length: number }, () => instanceOn(opened, clock, perMinute)))
    const through = () => all.reduce((sum, instance) => sum + instance.through, 0)
    return { all, pass, through, items: opened.items }
  }

  async function single(perMinute = WANTED) {
    const { all, ...others } = await instances(1, perMinute)
    return { ...(all[0] as Instance), instance: all[0] as Instance, ...others }
  }

  rateLimiterContract(async (clock, perMinute) => {
    const opened = await openLimitsTable(parts)
    return (await instanceOn(opened, clock, perMinute)).limiter
  })

  it.each([1, 2, 5])('%i instances share a limit, short of what is unreported', async (number) => {
    const { all, through } = await instances(number)
    let isOpen = true
    while (isOpen) {
      isOpen = false
      for (const instance of all) {
        isOpen = (await instance.call()) || isOpen
        await instance.settled()
      }
    }
    report(`${number} in turn, writes that take no time: ${through() - 1000} beyond 1000`)
    expect(through()).toBeGreaterThanOrEqual(1000)
    expect(through() - 1000).toBeLessThanOrEqual((number - 1) * SHARE)
  })

  it.each([2, 5])('%i instances share a limit even if each keeps back the most it may', async (number) => {
    const { all, through } = await instances(number)
    const [first, ...others] = all as [Instance, ...Instance[]]
    for (const other of others) {
      for (let call = 1; call < SHARE; call++) await other.call()
    }
    while (await first.call()) await first.settled()
    for (const other of others) {
      while (await other.call()) await other.settled()
    }
    report(`${number}, the worst way round: ${through() - 1000} beyond 1000`)
    expect(through() - 1000).toBeLessThanOrEqual((number - 1) * SHARE)
  })

  it('three instances under load overshoot no more than is promised', async () => {
    const { all, through } = await instances(3)
    for (const { proxy } of all) proxy.inject(latency(20), { times: Number.POSITIVE_INFINITY })
    const drive = async (instance: Instance) => {
      while (await instance.call()) await setTimeout(1)
      await instance.settled()
    }
    await Promise.all(all.map(drive))
    const during = Math.max(...all.map((instance) => instance.mostDuringWrite()))
    const bound = 2 * SHARE + 2 * 3 * during
    const writes = all.reduce((sum, instance) => sum + instance.writes(), 0)
    report(
      `3 under load, writes of 20 ms: ${through() - 1000} beyond 1000 with ${writes} writes; promised ${bound} (c = ${during})`,
    )
    expect(through()).toBeGreaterThanOrEqual(1000)
    expect(through() - 1000).toBeLessThanOrEqual(bound)
  })

  it('writes once for a twentieth of the limit, and not at all for refusals', async () => {
    const { instance, items } = await single()
    for (let check = 0; check < 1000; check++) {
      expect(await instance.call()).toBe(true)
      await setImmediate()
    }
    await instance.settled()
    await waitFor(async () => (await items())[0] && countIn((await items())[0]) === 1000)
    const writes = instance.writes()
    for (let check = 0; check < 1000; check++) expect(await instance.call()).toBe(false)
    await setTimeout(1200)
    report(`1,000 checks of one caller: ${writes} writes; 1,000 refusals: ${instance.writes() - writes}`)
    expect(writes).toBeLessThanOrEqual(25)
    expect(instance.writes()).toBe(writes)
  })

  it('never writes more often than it is asked', async () => {
    const { limiter, instance, items } = await single()
    for (let caller = 0; caller < 300; caller++) await limiter.consume(`c${caller}`, 'retrieval', 1)
    await limiter.close()
    report(`300 checks of as many callers: ${instance.writes()} writes`)
    expect(instance.writes()).toBeLessThanOrEqual(300)
    expect(await items()).toHaveLength(300)
  })

  it('has one write under way for a caller, however many calls come', async () => {
    const { instance, proxy, items } = await single()
    let [now, most] = [0, 0]
    proxy.beforeForward = () => {
      most = Math.max(most, ++now)
    }
    proxy.afterForward = async () => {
      await setTimeout(20)
      now--
    }
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, () => instance.call()))
      await setTimeout(5)
    }
    await waitFor(async () => countIn((await items())[0]) === 1000)
    expect(most).toBe(1)
  })

  it('reports what is a second old, also when no further call comes', async () => {
    const { all, items } = await instances(2)
    const [one, other] = all as [Instance, Instance]
    const startedAt = performance.now()
    await one.limiter.consume('a', 'retrieval', 3)
    await one.settled()
    expect(await items()).toEqual([])
    await waitFor(async () => (await items()).length === 1)
    expect(performance.now() - startedAt).toBeGreaterThan(950)
    const [item] = await items()
    expect(item).toMatchObject({ limit_key: ITEM, expires_at: Date.parse('2026-01-01T00:02:00Z') / 1000 })
    expect(countIn(item)).toBe(3)
    await other.limiter.consume('a', 'retrieval', SHARE)
    await other.settled()
    expect(await other.limiter.consume('a', 'retrieval', 1)).toMatchObject({ remaining: 1000 - SHARE - 4 })
  })

  it('lets no call wait for the table, except failed authentications', async () => {
    const { limiter, proxy } = await single()
    proxy.inject(latency(300), { times: 2 })
    const startedAt = performance.now()
    for (let call = 0; call < 1000; call++) await limiter.consume('a', 'retrieval', 1)
    expect(performance.now() - startedAt).toBeLessThan(200)
    await limiter.consume('address', 'auth_failures', 1)
    expect(performance.now() - startedAt).toBeGreaterThan(300)
  })

  it('counts failed attempts of all instances exactly, and asks no more once they are used up', async () => {
    const { all } = await instances(2)
    const attempt = ({ limiter }: Instance) => limiter.consume('address', 'auth_failures', 1)
    const attempts = await Promise.all(Array.from({ length: 15 }, () => all.map(attempt)).flat())
    expect(attempts.filter(({ allowed }) => allowed)).toHaveLength(10)
    const writes = all.map((instance) => instance.writes())
    for (const instance of all) {
      expect(await attempt(instance)).toEqual({ allowed: false, limit: 10, remaining: 0, resetSeconds: 60 })
    }
    expect(all.map((instance) => instance.writes())).toEqual(writes)
  })

  it('goes on by its own counts while the table is out of reach, and reports them when it is back', async () => {
    const { instance, limiter, proxy, warnings, items } = await single()
    proxy.outage()
    for (const [limit, most] of [
      ['retrieval', 1000],
      ['batch', 10],
      ['analysis', 6],
      ['admin', 300],
    ] as const) {
      for (let call = 0; call < most; call++) {
        expect(await limiter.consume('a', limit, 1)).toMatchObject({
          allowed: true,
          remaining: most - call - 1,
        })
      }
      expect(await limiter.consume('a', limit, 1)).toMatchObject({ allowed: false, remaining: 0 })
    }
    const closed = { allowed: false, limit: 10, remaining: 0, resetSeconds: 5 }
    expect(await limiter.consume('address', 'auth_failures', 1)).toEqual(closed)
    await instance.settled()
    expect(await limiter.consume('address', 'auth_failures', 1)).toEqual(closed)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^the limits table cannot be used: .*dynamodb:UpdateItem on table prompts-/)
    proxy.heal()
    expect(await limiter.consume('address', 'auth_failures', 1)).toMatchObject({
      allowed: true,
      remaining: 9,
    })
    const reported = async () => (await items()).map(countIn).sort((a, b) => a - b)
    await waitFor(async () => `${await reported()}` === '1,6,10,300,1000', 10_000)
    await instance.settled()
    expect(warnings).toHaveLength(1)
    proxy.outage()
    await limiter.consume('address', 'auth_failures', 1)
    expect(warnings).toHaveLength(2)
  })

  it('goes on reporting while only one item fails, without a warning', async () => {
    const { instance, limiter, proxy, warnings, items } = await single()
    proxy.inject(latency(500))
    await limiter.consume('a', 'retrieval', SHARE)
    await waitFor(() => proxy.requests.length === 1)
    await limiter.consume('b', 'retrieval', SHARE)
    await waitFor(async () => (await items()).length === 1)
    proxy.inject(accessDenied())
    await instance.settled()
    expect((await items()).map(countIn)).toEqual([SHARE])
    await limiter.consume('c', 'retrieval', SHARE)
    await instance.settled()
    expect((await items()).map(countIn)).toEqual([SHARE, SHARE])
    await waitFor(async () => (await items()).length === 3)
    expect(warnings).toEqual([])
  })

  it('says what to fix when the table may not be written', async () => {
    const { instance, limiter, proxy, warnings } = await single()
    proxy.inject(accessDenied())
    await limiter.consume('a', 'retrieval', SHARE)
    await instance.settled()
    expect(warnings).toEqual([expect.stringContaining('Add dynamodb:UpdateItem on table')])
  })

  it('outlives throttling without a warning', async () => {
    const { instance, limiter, proxy, warnings, items } = await single()
    proxy.inject(throttle(), { times: 6 })
    await limiter.consume('a', 'retrieval', SHARE)
    expect(await limiter.consume('address', 'auth_failures', 1)).toMatchObject({
      allowed: true,
      remaining: 9,
    })
    await instance.settled()
    expect((await items()).map(countIn).sort()).toEqual([1, SHARE])
    expect(warnings).toEqual([])
    expect(proxy.requests.filter(({ status }) => status === 400)).toHaveLength(6)
  })

  it('counts nothing twice when answers get lost', async () => {
    const { instance, limiter, proxy, items } = await single()
    proxy.inject(dropResponse(), { times: 3 })
    for (let round = 1; round <= 2; round++) {
      await limiter.consume('a', 'retrieval', SHARE)
      await instance.settled()
    }
    expect((await items()).map(countIn)).toEqual([2 * SHARE])
    expect(await limiter.consume('a', 'retrieval', 1)).toMatchObject({ remaining: 1000 - 2 * SHARE - 1 })
  })

  it('starts over with each minute of the clock, and forgets what is unreported of the last one', async () => {
    const { limiter, instance, pass, items } = await single()
    pass(59.5)
    expect(await limiter.consume('a', 'batch', 10)).toMatchObject({ allowed: true, resetSeconds: 1 })
    expect(await limiter.consume('a', 'retrieval', 7)).toMatchObject({ allowed: true, resetSeconds: 1 })
    expect(await limiter.consume('a', 'batch', 1)).toMatchObject({ allowed: false, resetSeconds: 1 })
    await instance.settled()
    pass(0.5)
    expect(await limiter.consume('a', 'batch', 10)).toMatchObject({ allowed: true, resetSeconds: 60 })
    expect(await limiter.consume('a', 'retrieval', 3)).toMatchObject({ allowed: true, remaining: 997 })
    await limiter.close()
    expect((await items()).map((item) => [item['limit_key'], countIn(item)]).sort()).toEqual([
      ['batch a 29453760', 10],
      ['batch a 29453761', 10],
      ['retrieval a 29453761', 3],
    ])
  })

  it('reports nothing of a minute that is over', async () => {
    const { limiter, pass, instance } = await single()
    await limiter.consume('a', 'retrieval', 3)
    pass(60)
    await setTimeout(1200)
    await limiter.close()
    expect(instance.writes()).toBe(0)
  })

  it('lets an answer about the last minute change nothing in this one', async () => {
    const { all, pass } = await instances(2)
    const [one, other] = all as [Instance, Instance]
    await other.limiter.consume('a', 'retrieval', 900)
    await other.settled()
    one.proxy.inject(latency(200))
    await one.limiter.consume('a', 'retrieval', SHARE)
    pass(60)
    await one.limiter.consume('a', 'retrieval', 1)
    await one.settled()
    expect(await one.limiter.consume('a', 'retrieval', 1)).toMatchObject({ allowed: true, remaining: 998 })
  })

  it('remembers ten thousand callers of a limit, and reports the count of one that it forgets', async () => {
    const { limiter, instance, proxy, items } = await single()
    await limiter.consume('a', 'retrieval', SHARE - 1)
    for (let caller = 1; caller < 10_000; caller++) await limiter.consume(`c${caller}`, 'retrieval', 0)
    expect(instance.writes()).toBe(0)
    await limiter.consume('one more', 'batch', 0)
    expect(await items()).toEqual([])
    await limiter.consume('one more', 'retrieval', 0)
    await instance.settled()
    expect((await items()).map(countIn)).toEqual([SHARE - 1])
    expect(await limiter.consume('a', 'retrieval', 1)).toMatchObject({ remaining: 999 })
    await limiter.consume('a', 'retrieval', SHARE)
    await instance.settled()
    expect(await limiter.consume('a', 'retrieval', 1)).toMatchObject({ remaining: 1000 - 2 * SHARE - 1 })
    // Forgotten during a write, the rest is reported after it.
    proxy.inject(latency(100))
    await limiter.consume('a', 'retrieval', SHARE)
    await limiter.consume('a', 'retrieval', 1)
    for (let caller = 0; caller < 10_000; caller++) await limiter.consume(`d${caller}`, 'retrieval', 0)
    await instance.settled()
    expect((await items()).map(countIn)).toEqual([3 * SHARE + 2])
  })

  it('keeps to its memory when callers without number come while the table is down', async () => {
    const { limiter, instance, proxy } = await single()
    proxy.outage()
    const comeBy = async (from: number) => {
      for (let caller = from; caller < from + 20_000; caller++) {
        await limiter.consume(`caller ${caller}`, 'retrieval', SHARE)
      }
      await instance.settled()
      return heapInUse()
    }
    const [before, after] = [await comeBy(0), await comeBy(20_000)]
    const grown = (after - before) / 1e6
    report(
      `20,000 further callers in an outage: ${grown.toFixed(1)} MB more, ${(after / 1e6).toFixed(0)} MB in all`,
    )
    expect(grown).toBeLessThan(5)
  })

  it('keeps no process alive, and reports what is unreported when it is closed', async () => {
    const { limiter, items } = await single()
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    for (let caller = 0; caller < 200; caller++) await limiter.consume(`c${caller}`, 'retrieval', 1)
    expect(timers()).toBe(before)
    await limiter.close()
    expect((await items()).map(countIn)).toEqual(Array(200).fill(1))
  })

  it('reports all counts also when it is closed during many writes', async () => {
    const { limiter, proxy, items } = await single()
    proxy.inject(latency(100), { times: 100 })
    let [now, most] = [0, 0]
    proxy.beforeForward = () => {
      most = Math.max(most, ++now)
    }
    proxy.afterForward = () => void now--
    for (let caller = 0; caller < 200; caller++) await limiter.consume(`c${caller}`, 'retrieval', SHARE)
    for (let caller = 0; caller < 200; caller++) await limiter.consume(`c${caller}`, 'retrieval', 1)
    await limiter.close()
    expect((await items()).map(countIn)).toEqual(Array(200).fill(SHARE + 1))
    expect(most).toBeLessThanOrEqual(32)
  })

  it('is closed in a few seconds while the table is down', async () => {
    const { limiter, proxy } = await single()
    for (let caller = 0; caller < 500; caller++) await limiter.consume(`c${caller}`, 'retrieval', 1)
    proxy.outage()
    const startedAt = performance.now()
    await limiter.close()
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})

/** What all instances together have reported in an item. */
function countIn(item: Record<string, unknown> = {}): number {
  const { limit_key: _, expires_at, ...counts } = item
  return Object.values(counts).reduce<number>((sum, count) => sum + (count as number), 0)
}

/** Figures that a person wants to see, beside the assertion about them. */
function report(figure: string): void {
  process.stderr.write(`limits: ${figure}\n`)
}

/** Bytes in use once everything else is collected. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
