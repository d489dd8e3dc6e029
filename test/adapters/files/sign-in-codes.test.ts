import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { fileSignInCodes } from '../../../src/adapters/files/sign-in-codes.ts'
import { signInCodesContract } from '../../contracts/sign-in-codes.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { treeOf } from '../../helpers/trees.ts'

describe('sign-in codes in files', () => {
  signInCodesContract(async (clock) => {
    const layout = openLayout(await tempFolder())
    const open = () => fileSignInCodes(layout, clock)
    const stored = async () => JSON.stringify(await treeOf(layout.root))
    return { codes: open(), others: open(), stored }
  })

  it('sweeps away what nobody may use any more', async () => {
    const layout = openLayout(await tempFolder())
    const time = { now: Date.parse('2026-01-01T00:00:00Z') }
    const codes = fileSignInCodes(layout, () => new Date(time.now))
    await codes.issue('anna')
    await codes.issue('ben')
    time.now += 10 * 60_000 - 1
    await codes.issue('carl')
    expect(await readdir(layout.signIn)).toHaveLength(3)
    time.now += 1
    await codes.issue('dora')
    expect(await readdir(layout.signIn)).toHaveLength(2)
  })
})
