import { rename, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDebounce } from '../../../src/adapters/files/debounce.ts'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { createSignatures } from '../../../src/adapters/files/signatures.ts'
import type { StoreEvent } from '../../../src/domain/topic.ts'
import { newTopic } from '../../contracts/store.ts'
import { FRESHNESS_MS, openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { waitFor } from '../../helpers/program.ts'

describe('debounce', () => {
  function openDebounce() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const flushed: string[][] = []
    const debounce = createDebounce({ quietMs: 100, latestMs: 250 }, (ids) => flushed.push(ids))
    return { debounce, flushed }
  }

  it('hands out together, each once, what came without a pause', () => {
    const { debounce, flushed } = openDebounce()
    debounce.add('a', 'b')
    vi.advanceTimersByTime(99)
    debounce.add('a')
    vi.advanceTimersByTime(99)
    expect(flushed).toEqual([])
    vi.advanceTimersByTime(1)
    expect(flushed).toEqual([['a', 'b']])
    vi.advanceTimersByTime(1_000)
    expect(flushed).toHaveLength(1)
  })

  it('does not wait for ever while more comes', () => {
    const { debounce, flushed } = openDebounce()
    for (let ms = 0; ms < 500; ms += 50) {
      debounce.add(`at_${ms}`)
      vi.advanceTimersByTime(50)
    }
    expect(flushed).toEqual([
      ['at_0', 'at_50', 'at_100', 'at_150', 'at_200'],
      ['at_250', 'at_300', 'at_350', 'at_400', 'at_450'],
    ])
  })

  it('hands out nothing for nothing, nor after it was closed', () => {
    const { debounce, flushed } = openDebounce()
    debounce.add()
    expect(vi.getTimerCount()).toBe(0)
    debounce.add('a')
    debounce.close()
    vi.advanceTimersByTime(1_000)
    expect(flushed).toEqual([])
  })
})

describe('signatures of files', () => {
  it('name the topics of which any file has changed, come or gone since the last look', async () => {
    const folder = await tempFolder()
    const { layout, topics } = openFiles(folder)
    for (const id of ['same', 'text', 'state', 'gone']) {
      await topics.save(newTopic(id, { user: 'old' }), { user: 'old' })
    }
    const ids = ['same', 'text', 'state', 'gone']
    const signatures = createSignatures(layout, () => ids)
    expect(signatures.haveBaseline()).toBe(false)
    expect(await signatures.update()).toEqual(ids)
    expect([signatures.haveBaseline(), await signatures.update()]).toEqual([true, []])
    await writeFile(layout.body('text', 'user'), 'longer')
    await writeFile(layout.state('state'), '{}')
    await rm(layout.promptFolder('gone'), { recursive: true })
    ids.push('new')
    expect((await signatures.update()).sort()).toEqual(['gone', 'new', 'state', 'text'])
    for (const file of [layout.definition('same'), layout.state('same')]) await rm(file)
    ids.shift()
    expect(await signatures.update()).toEqual(['same'])
    signatures.clear()
    expect([signatures.haveBaseline(), await signatures.update()]).toEqual([false, ids])
  })

  it('let other work go first while they look at many', async () => {
    const layout = openLayout(await tempFolder())
    const ids = Array.from({ length: 1_000 }, (_, index) => `topic_${index}`)
    let turns = 0
    const counting = setInterval(() => turns++, 0)
    await createSignatures(layout, () => ids).update()
    clearInterval(counting)
    expect(turns).toBeGreaterThan(0)
  })

  it('live with a file in the place of a folder', async () => {
    const layout = openLayout(await tempFolder())
    const signatures = createSignatures(layout, () => ['t'])
    await signatures.update()
    await writeFile(layout.promptFolder('t'), 'not a folder')
    expect(await signatures.update()).toEqual([])
    await writeFile(layout.definition('t'), '{}')
    expect(await signatures.update()).toEqual(['t'])
  })
})

describe('a watched folder', () => {
  it('that comes back unreadable stays an outage, until it can be read', async () => {
    const { layout, topics } = openFiles(await tempFolder())
    await topics.save(newTopic('t', { user: 'text' }), { user: 'text' })
    const events: StoreEvent[] = []
    const watch = await topics.watch((event) => void events.push(event))
    onTestFinished(() => watch.close())
    const away = `${layout.prompts}-away`
    await rename(layout.prompts, away)
    await waitFor(() => events.some(({ reachable }) => !reachable))
    // Its facts can be asked for, its content cannot.
    await writeFile(layout.prompts, 'not a folder')
    await new Promise((resolve) => setTimeout(resolve, 3 * FRESHNESS_MS))
    expect(events.at(-1)?.reachable).toBe(false)
    await rm(layout.prompts)
    await rename(away, layout.prompts)
    await waitFor(() => events.at(-1)?.reachable)
  })
})
