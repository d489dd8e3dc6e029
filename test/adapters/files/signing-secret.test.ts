import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { localSecret } from '../../../src/adapters/files/signing-secret.ts'
import { signingSecretContract, textOf } from '../../contracts/signing-secret.ts'
import { failureOf } from '../../helpers/errors.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { runProgram } from '../../helpers/program.ts'
import { encoded, localMint } from '../../helpers/tokens.ts'

async function openSecret() {
  const layout = openLayout(await tempFolder())
  return {
    layout,
    path: layout.jwtSecret('test'),
    secret: localSecret(layout, 'test', { staleIfErrorMs: 60_000, warn: () => {} }),
  }
}

describe('a secret in a file', () => {
  signingSecretContract(async () => {
    const { layout, path, secret } = await openSecret()
    return {
      secret,
      write: (text) => writeFile(path, `${text}\n`),
      passTime: () => setTimeout(1_000),
      async outage() {
        await rename(layout.root, `${layout.root}-away`)
        return () => rename(`${layout.root}-away`, layout.root)
      },
    }
  })
})

test('the secret is made when it is first needed, for its owner alone', async () => {
  const { path, secret } = await openSecret()
  expect(await secret.current()).toBeUndefined()
  const made = textOf(await secret.obtain())
  expect(made).toMatch(/^[\w-]{43}$/)
  expect((await readFile(path, 'utf8')).trim()).toBe(made)
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(textOf(await secret.current())).toBe(made)
})

test('all who need it at the same time get the same one, in other processes too', async () => {
  const { layout } = await openSecret()
  const secrets = await Promise.all(
    Array.from({ length: 10 }, () => localSecret(layout, 'test').obtain().then(textOf)),
  )
  expect(new Set(secrets).size).toBe(1)
  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  const runs = await Promise.all(Array.from({ length: 3 }, () => runProgram(['token'], settings)))
  const mint = await localMint(settings.PROMPTS_DATA_DIR)
  for (const { stdout } of runs) {
    const [header = '', claims = ''] = stdout.trim().split('.')
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object
    expect(encoded(read(claims))).toBe(claims)
    expect(mint(read(claims), read(header))).toBe(stdout.trim())
  }
})

test('each stage has its own', async () => {
  const { layout, secret } = await openSecret()
  expect(textOf(await localSecret(layout, 'prod').obtain())).not.toBe(textOf(await secret.obtain()))
})

test('a file that holds no secret is named, and never replaced', async () => {
  const { path, secret } = await openSecret()
  await writeFile(path, 'short')
  expect((await failureOf(() => secret.obtain())).message).toContain(path)
  expect(await readFile(path, 'utf8')).toBe('short')
})
