import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fileSignInCodes } from '../../../src/adapters/auth/sign-in-codes.ts'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { treeOf } from '../../helpers/trees.ts'

async function openCodes() {
  const layout = openLayout(await tempFolder())
  const time = { now: Date.parse('2026-01-01T00:00:00Z') }
  const open = () => fileSignInCodes(layout, () => new Date(time.now))
  return { layout, time, codes: open(), others: open() }
}

test('a code works once, in whichever process', async () => {
  const { codes, others } = await openCodes()
  const code = await codes.issue('anna')
  expect(await others.redeem(code)).toEqual({ subject: 'anna' })
  expect(await codes.redeem(code)).toBeUndefined()
  expect(await others.redeem(code)).toBeUndefined()
})

test('of many who redeem a code at the same time just one wins', async () => {
  const { codes, others } = await openCodes()
  const code = await codes.issue('anna')
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 ? codes : others).redeem(code)),
  )
  expect(all.filter((found) => found !== undefined)).toEqual([{ subject: 'anna' }])
})

test('a code ends after 10 minutes, and is swept away', async () => {
  const { codes, layout, time } = await openCodes()
  const [late, forgotten] = [await codes.issue('anna'), await codes.issue('ben')]
  time.now += 10 * 60_000 - 1
  const fresh = await codes.issue('carl')
  expect(await readdir(layout.signIn)).toHaveLength(3)
  time.now += 1
  expect(await codes.redeem(late)).toBeUndefined()
  await codes.issue('dora')
  expect(await readdir(layout.signIn)).toHaveLength(2)
  expect(await codes.redeem(forgotten)).toBeUndefined()
  expect(await codes.redeem(fresh)).toEqual({ subject: 'carl' })
})

test('no file holds or names a code', async () => {
  const { codes, layout } = await openCodes()
  const code = await codes.issue('anna')
  expect(JSON.stringify(await treeOf(layout.root))).not.toContain(code)
})

test('other texts are no codes', async () => {
  const { codes } = await openCodes()
  await codes.issue('anna')
  for (const wrong of ['', 'x', '../keys', '..%2fkeys', '\0', 'x'.repeat(10_000)]) {
    expect(await codes.redeem(wrong)).toBeUndefined()
  }
})
