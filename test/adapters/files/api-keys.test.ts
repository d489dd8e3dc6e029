import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fileKeys } from '../../../src/adapters/files/api-keys.ts'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import type { ApiKeys } from '../../../src/domain/api-keys.ts'
import { apiKeysContract } from '../../contracts/api-keys.ts'
import { failureOf } from '../../helpers/errors.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { waitFor } from '../../helpers/program.ts'

const outages = { staleIfErrorMs: 60_000, warn: () => {} }

/** Keys in a new folder, by a clock that tests set, and as another process sees them. */
async function openKeys() {
  const layout = openLayout(await tempFolder())
  const time = { now: new Date('2026-01-01T00:00:00Z') }
  const open = (): ApiKeys => fileKeys(layout, 'test', () => time.now, outages)
  return { layout, time, keys: open(), others: open() }
}

describe('keys in the data folder', () => {
  apiKeysContract(async (clock) => {
    const layout = openLayout(await tempFolder())
    const open = () => fileKeys(layout, 'test', clock, outages)
    return { keys: open(), others: open(), settle: () => setTimeout(1_000) }
  })
})

test('neither the file nor a record holds the key', async () => {
  const { keys, layout } = await openKeys()
  const { key, record } = await keys.create('backend')
  const secret = key.slice(record.prefix.length)
  expect(await readFile(layout.keys, 'utf8')).not.toContain(secret)
  expect(JSON.stringify([record, await keys.list(), await keys.verify(key)])).not.toContain(secret)
  expect(JSON.stringify(await keys.list())).not.toContain('sha256')
})

test('keys are listed oldest first, revoked ones too', async () => {
  const { keys } = await openKeys()
  for (const name of ['b', 'a', 'c']) await keys.create(name)
  await keys.revoke('a')
  expect((await keys.list()).map(({ name, revoked_at }) => [name, revoked_at !== undefined])).toEqual([
    ['b', false],
    ['a', true],
    ['c', false],
  ])
})

test('known keys stay valid while the data folder is away', async () => {
  const { keys, layout } = await openKeys()
  const { key, record } = await keys.create('backend')
  expect(await keys.verify(key)).toEqual(record)
  await rename(layout.root, `${layout.root}-away`)
  try {
    const end = Date.now() + 700
    await waitFor(async () => {
      expect(await keys.verify(key)).toEqual(record)
      return Date.now() > end
    })
  } finally {
    await rename(`${layout.root}-away`, layout.root)
  }
})

test('known keys stay valid while the file cannot be read', async () => {
  const { keys, layout } = await openKeys()
  const { key, record } = await keys.create('backend')
  expect(await keys.verify(key)).toEqual(record)
  await writeFile(layout.keys, '[{"half": ')
  const end = Date.now() + 700
  await waitFor(async () => {
    expect(await keys.verify(key)).toEqual(record)
    return Date.now() > end
  })
})

test('a folder that cannot be used is unavailable, and nothing is half created', async () => {
  const { keys, layout } = await openKeys()
  await keys.create('kept')
  await rm(layout.tmp, { recursive: true })
  expect((await failureOf(() => keys.create('lost'))).code).toBe('unavailable')
  expect((await keys.list()).map(({ name }) => name)).toEqual(['kept'])
})

test('keys that cannot be read for too long are unavailable, not wrong, and the operator is told once', async () => {
  const warnings: string[] = []
  const layout = openLayout(await tempFolder())
  const keys = fileKeys(layout, 'test', () => new Date(), {
    staleIfErrorMs: 100,
    warn: (message) => warnings.push(message),
  })
  const { key, record } = await keys.create('backend')
  expect(await keys.verify(key)).toEqual(record)
  await writeFile(layout.keys, '[{"half": ')
  await waitFor(
    async () => (await failureOf(() => keys.verify(key)).catch(() => undefined))?.code === 'unavailable',
  )
  expect(warnings).toHaveLength(1)
})

test('keys whose file was removed are gone', async () => {
  const { keys, layout } = await openKeys()
  const { key } = await keys.create('backend')
  expect(await keys.verify(key)).toBeDefined()
  await rm(layout.keys)
  await waitFor(async () => (await keys.verify(key)) === undefined, 1_000)
})
