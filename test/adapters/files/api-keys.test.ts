import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fileKeys } from '../../../src/adapters/files/api-keys.ts'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import type { ApiKeys } from '../../../src/domain/api-keys.ts'
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

test('a created key is verified by its record, here at once and in another process within a second', async () => {
  const { keys, others } = await openKeys()
  // Both have looked at the file before.
  expect(await keys.verify('nothing')).toBeUndefined()
  expect(await others.verify('nothing')).toBeUndefined()
  const { key, record } = await keys.create('backend')
  expect(key).toMatch(/^ppath_svc_test_[0-9a-f]{48}$/)
  expect(record).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}$/),
    name: 'backend',
    prefix: key.slice(0, 'ppath_svc_test_'.length + 6),
    created_at: '2026-01-01T00:00:00.000Z',
  })
  expect(await keys.verify(key)).toEqual(record)
  expect(await waitFor(() => others.verify(key), 1_000)).toEqual(record)
})

test('a key is verified by the same record until the file changes', async () => {
  const { keys } = await openKeys()
  const { key } = await keys.create('backend')
  const record = await keys.verify(key)
  expect(record).toBeDefined()
  expect(await keys.verify(key)).toBe(record)
})

test('nothing but the whole key is valid', async () => {
  const { keys } = await openKeys()
  const { key, record } = await keys.create('backend')
  for (const wrong of [
    '',
    key.slice(0, -1),
    `${key}0`,
    ` ${key}`,
    key.toUpperCase(),
    record.prefix,
    record.id,
  ]) {
    expect(await keys.verify(wrong)).toBeUndefined()
  }
})

test('neither the file nor a record holds the key', async () => {
  const { keys, layout } = await openKeys()
  const { key, record } = await keys.create('backend')
  const secret = key.slice(record.prefix.length)
  expect(await readFile(layout.keys, 'utf8')).not.toContain(secret)
  expect(JSON.stringify([record, await keys.list(), await keys.verify(key)])).not.toContain(secret)
  expect(JSON.stringify(await keys.list())).not.toContain('sha256')
})

test('a key ends when it expires', async () => {
  const { keys, time } = await openKeys()
  const { key, record } = await keys.create('short', new Date('2026-01-01T01:00:00Z'))
  expect(record.expires_at).toBe('2026-01-01T01:00:00.000Z')
  time.now = new Date('2026-01-01T00:59:59.999Z')
  expect(await keys.verify(key)).toEqual(record)
  time.now = new Date('2026-01-01T01:00:00Z')
  expect(await keys.verify(key)).toBeUndefined()
})

test('a revoked key ends at once here and within a second elsewhere; others stay', async () => {
  const { keys, others, time } = await openKeys()
  const gone = await keys.create('gone')
  const kept = await keys.create('kept')
  await waitFor(() => others.verify(gone.key), 1_000)
  time.now = new Date('2026-01-02T00:00:00Z')
  expect(await keys.revoke(gone.record.id)).toEqual({
    ...gone.record,
    revoked_at: '2026-01-02T00:00:00.000Z',
  })
  expect(await keys.verify(gone.key)).toBeUndefined()
  await waitFor(async () => (await others.verify(gone.key)) === undefined, 1_000)
  expect(await others.verify(kept.key)).toEqual(kept.record)
})

test('a name means the one key that is not revoked yet', async () => {
  const { keys } = await openKeys()
  const first = await keys.create('twin')
  const second = await keys.create('twin')
  expect((await failureOf(() => keys.revoke('twin'))).code).toBe('conflict')
  expect(await keys.verify(first.key)).toBeDefined()
  await keys.revoke(first.record.id)
  expect((await keys.revoke('twin')).id).toBe(second.record.id)
  expect((await failureOf(() => keys.revoke('twin'))).code).toBe('not_found')
  expect((await failureOf(() => keys.revoke('nobody'))).code).toBe('not_found')
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

test('keys that two processes create at the same time are all kept', async () => {
  const { keys, others } = await openKeys()
  const names = Array.from({ length: 20 }, (_, number) => `k${number}`)
  await Promise.all(names.map((name, index) => (index % 2 ? keys : others).create(name)))
  expect((await keys.list()).map(({ name }) => name).sort()).toEqual([...names].sort())
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
