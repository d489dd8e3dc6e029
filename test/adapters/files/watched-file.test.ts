import { readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { watchedFile } from '../../../src/adapters/files/watched-file.ts'
import { failureAtOnce } from '../../helpers/errors.ts'
import { tempFolder } from '../../helpers/folders.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
})
const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds)

/** A file with the text "one" in a folder of its own; reading fails while it holds "broken". */
async function open(text: string | undefined = 'one') {
  const folder = join(await tempFolder(), 'store')
  await mkdir(folder)
  const path = join(folder, 'value')
  if (text !== undefined) await writeFile(path, text)
  const warnings: string[] = []
  const reads = { count: 0 }
  const file = watchedFile(
    path,
    () => {
      reads.count++
      const found = readFileSync(path, 'utf8')
      if (found === 'broken') throw new Error('no value')
      return found
    },
    'nothing',
    { staleIfErrorMs: 1_000, warn: (message) => void warnings.push(message) },
  )
  return { folder, path, file, reads, warnings }
}

test('a file is read when it is opened, and again only when it has changed', async () => {
  const { path, file, reads } = await open()
  expect(reads.count).toBe(1)
  pass(1_000)
  expect(file.current()).toBe('one')
  expect(reads.count).toBe(1)
  await writeFile(path, 'changed')
  pass(50)
  expect(file.current()).toBe('changed')
})

test('a change may go unnoticed for 50 ms, unless it is asked for', async () => {
  const { path, file } = await open()
  await writeFile(path, 'changed')
  pass(49)
  expect(file.current()).toBe('one')
  file.reload()
  expect(file.current()).toBe('changed')
})

test('a file that was removed has no value, and its folder that is away is an outage', async () => {
  const { folder, path, file, warnings } = await open()
  await rename(folder, `${folder}-away`)
  pass(50)
  expect(file.current()).toBe('one')
  await rename(`${folder}-away`, folder)
  await rm(path)
  pass(50)
  expect(file.current()).toBe('nothing')
  expect(warnings).toHaveLength(2)
})

test('the last value outlives an outage for its time, and one warning tells of its begin and of its end', async () => {
  const { path, file, warnings } = await open()
  await writeFile(path, 'broken')
  // Nobody looks meanwhile: an outage begins when it is seen.
  pass(3_600_000)
  expect(file.current()).toBe('one')
  pass(1_000)
  expect(file.current()).toBe('one')
  pass(1)
  expect(failureAtOnce(() => file.current())).toMatchObject({ code: 'unavailable', retryAfter: 5 })
  expect(warnings).toEqual([`cannot read ${path}; what was read last stays valid for now`])
  await writeFile(path, 'whole again')
  pass(50)
  expect(file.current()).toBe('whole again')
  expect(warnings.slice(1)).toEqual([`${path} can be read again`])
})
