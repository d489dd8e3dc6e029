import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { keepSnapshot, withSnapshot } from '../../../src/adapters/snapshot/snapshot.ts'
import { AppError } from '../../../src/domain/errors.ts'
import type { StoreListener, TopicRepository } from '../../../src/domain/topic.ts'
import { failureOf } from '../../helpers/errors.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { memoryStore } from '../../helpers/memory-store.ts'
import { waitFor } from '../../helpers/program.ts'
import { openServices, put, putBodies } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

/** A store with one topic that can be out of reach. */
async function setUp() {
  const file = { path: join(await tempFolder(), 'snapshot.json'), store: 'prompts-test' }
  const store = memoryStore()
  let isOut = false
  let areTextsOut = false
  let scansToFail = 0
  let watching = 0
  const reach = <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      if (isOut) throw new AppError('unavailable', 'The store cannot be reached.')
      return work(...args)
    }
  }
  const { topics, prompts } = store
  const faulty = {
    topics: {
      ...topics,
      get: reach(topics.get),
      save: reach(topics.save),
      async *all() {
        if (scansToFail-- > 0) throw new AppError('unavailable', 'The table is throttled.')
        yield* topics.all()
      },
      watch: reach(async (listener: StoreListener) => {
        const watch = await topics.watch(listener)
        watching++
        return {
          ...watch,
          async close() {
            watching--
            await watch.close()
          },
        }
      }),
    } satisfies TopicRepository,
    prompts: {
      ...prompts,
      read: reach(async (...asked: Parameters<typeof prompts.read>) => {
        if (areTextsOut) throw new AppError('unavailable', 'The texts cannot be reached.')
        return prompts.read(...asked)
      }),
    },
  }
  const start = (from = file) => openServices(withSnapshot(faulty, from))
  const first = await start()
  await put(first, topicContent('t', { system: 'S', user: 'U' }))
  const written = () => readFile(file.path, 'utf8').catch(() => '')
  const outage = (out: boolean) => {
    isOut = out
  }
  const outageOfTexts = () => {
    areTextsOut = true
  }
  const scans = {
    fail(count: number) {
      scansToFail = count
    },
    haveRecovered: () => scansToFail < 0,
  }
  return { file, start, first, written, outage, outageOfTexts, scans, watching: () => watching }
}

it('an instance starts from it, says of when it is, and goes over to the store', async () => {
  const { file, start, first, written, outage } = await setUp()
  keepSnapshot(file, first.catalog, () => {})
  await waitFor(written)
  const { as_of } = JSON.parse(await written())
  outage(true)
  const { catalog, warnings } = await start()
  const topic = catalog.published('t')
  expect(await catalog.texts(topic)).toEqual({ system: 'S', user: 'U' })
  expect(catalog.staleSince()?.toISOString()).toBe(as_of)
  outage(false)
  await putBodies(first, 't', { user: 'New' })
  await waitFor(() => catalog.staleSince() === undefined && catalog.published('t').revision === 2)
  expect(await catalog.texts(catalog.published('t'))).toEqual({ system: 'S', user: 'New' })
  expect(warnings).toEqual(expect.arrayContaining([expect.stringContaining('the store is back')]))
})

it('follows the store once, however often it failed to go over to it', async () => {
  const { file, start, first, written, outage, scans, watching } = await setUp()
  keepSnapshot(file, first.catalog, () => {})
  await waitFor(written)
  const before = watching()
  outage(true)
  const { catalog } = await start()
  scans.fail(2)
  outage(false)
  await waitFor(() => scans.haveRecovered() && catalog.staleSince() === undefined)
  expect(watching()).toBe(before + 1)
  await catalog.close()
  expect(watching()).toBe(before)
})

it('is written after a change, for its owner alone, and never while what is served is stale', async () => {
  const { file, first, written } = await setUp()
  let isStale = true
  const served = { ...first.catalog, staleSince: () => (isStale ? new Date() : undefined) }
  const warnings: string[] = []
  keepSnapshot(file, served, (message) => warnings.push(message))
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect(await written()).toBe('')
  isStale = false
  await putBodies(first, 't', { user: 'Changed' })
  expect(await waitFor(written)).toContain('Changed')
  expect((await stat(file.path)).mode & 0o777).toBe(0o600)
  expect(warnings).toEqual([])
})

it('that is not there, or none, does not hide the outage', async () => {
  const { file, start, first, written, outage } = await setUp()
  outage(true)
  expect((await failureOf(() => start())).code).toBe('unavailable')
  outage(false)
  keepSnapshot(file, first.catalog, () => {})
  await waitFor(written)
  await writeFile(file.path, '{"as_of"')
  outage(true)
  expect((await failureOf(() => start())).code).toBe('unavailable')
})

it('of another store is not used', async () => {
  const { file, start, first, written, outage } = await setUp()
  keepSnapshot({ ...file, store: 'prompts-other' }, first.catalog, () => {})
  await waitFor(written)
  outage(true)
  expect((await failureOf(() => start())).code).toBe('unavailable')
})

it('gives texts that cannot be read while the records can, unless they have changed since', async () => {
  const { file, start, first, written, outageOfTexts } = await setUp()
  await put(first, topicContent('empty', { system: '', user: 'U' }))
  keepSnapshot(file, first.catalog, () => {})
  await waitFor(written)
  outageOfTexts()
  const { catalog } = await start()
  expect(catalog.staleSince()).toBeUndefined()
  expect(await catalog.texts(catalog.published('t'))).toEqual({ system: 'S', user: 'U' })
  expect(await catalog.texts(catalog.published('empty'))).toEqual({ system: '', user: 'U' })
  await putBodies(first, 't', { user: 'New' })
  const later = await start()
  const changed = await failureOf(async () => later.catalog.texts(later.catalog.published('t')))
  expect(changed.code).toBe('unavailable')
})

it('that cannot be written is a warning, and nothing else happens', async () => {
  const { file, first } = await setUp()
  const warnings: string[] = []
  keepSnapshot({ ...file, path: '/nowhere/snapshot.json' }, first.catalog, (message) =>
    warnings.push(message),
  )
  onTestFinished(() => first.catalog.close())
  await waitFor(() => warnings.length > 0)
  expect(warnings).toEqual([expect.stringContaining('/nowhere/snapshot.json')])
})
