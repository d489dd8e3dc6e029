import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { holdLock } from '../../../src/adapters/files/lock.ts'
import { failureOf } from '../../helpers/errors.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'

/** Halts this thread as a suspended machine would: no timer runs. */
function halt(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

describe('a lock', () => {
  it('counts as lost when its holder was halted for so long that another may have taken it', async () => {
    const path = join(openFiles(await tempFolder()).layout.locks, 'topic')
    const work = async (assertHeld: () => void) => {
      assertHeld()
      halt(1_700)
      assertHeld()
    }
    expect((await failureOf(() => holdLock(path, work))).code).toBe('unavailable')
  })

  it.each([
    ['lost before anything was changed', false],
    ['lost by work that completes what it has left half done', true],
  ])('that is %s is taken once more', async (_, isRepeatable) => {
    const path = join(openFiles(await tempFolder()).layout.locks, 'topic')
    let runs = 0
    const work = async (assertHeld: () => void) => {
      if (isRepeatable) assertHeld()
      if (++runs === 1) halt(1_700)
      assertHeld()
      return 'changed'
    }
    expect(await holdLock(path, work, { isRepeatable })).toBe('changed')
    expect(runs).toBe(2)
  })

  it('lets one holder in at a time', async () => {
    const path = join(openFiles(await tempFolder()).layout.locks, 'topic')
    let inside = 0
    const most: number[] = []
    const work = async () => {
      most.push(++inside)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inside--
    }
    await Promise.all(Array.from({ length: 10 }, () => holdLock(path, work)))
    expect(Math.max(...most)).toBe(1)
    expect(most).toHaveLength(10)
  })

  it('is not waited for in a folder that is gone', async () => {
    const path = join(await tempFolder(), 'gone', 'topic')
    const startedAt = performance.now()
    await expect(holdLock(path, async () => {})).rejects.toMatchObject({ code: 'ENOENT' })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
