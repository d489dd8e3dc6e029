import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeJwt, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import type { ApiKey } from '../../src/domain/api-keys.ts'
import { entry, keyJson, openSecret, SECRET } from '../adapters/secrets-manager/secret.ts'
import { runCommand, withAwsSettings } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { environmentOf, PROGRAM, waitFor } from '../helpers/program.ts'

const LAMBDA = fileURLToPath(new URL('../../dist/rotation-lambda.mjs', import.meta.url))
/** How Node.js 22 runs on Lambda: names alone say what is an ES module. */
const AS_ON_LAMBDA = ['--no-experimental-require-module', '--no-experimental-detect-module']
const OWN = `ppath_svc_test_${'ab'.repeat(24)}`

/** `keys …` on a secret of its own. */
async function keysOn(initial?: object | string) {
  const secret = await openSecret(initial)
  const settings = { ...secret.environment, PROMPTS_DATA_DIR: await tempFolder() }
  withAwsSettings(settings)
  const run = (...words: string[]) => runCommand(words, settings)
  const keys = (...words: string[]) => run('keys', ...words)
  const list = async () => (JSON.parse((await keys('list', '--json')).stdout) as { data: ApiKey[] }).data
  return { secret, settings, run, keys, list }
}

test('a key is created, listed and revoked in the secret', async () => {
  const { secret, keys, list } = await keysOn(keyJson(OWN))
  const created = await keys('create', '--name', 'billing', '--ttl', '90d')
  expect(created.code).toBe(0)
  expect(created.stdout).toMatch(/^ppath_svc_test_[0-9a-f]{48}\n$/)
  const api_key = created.stdout.trim()
  const [own, billing] = await list()
  expect(own).toMatchObject({ id: 'current', name: 'backend', prefix: OWN.slice(0, 21) })
  expect(billing).toMatchObject({ name: 'billing', prefix: api_key.slice(0, 21) })
  expect(created.stderr).toBe(`Created key ${billing?.id} (billing). It is shown only this once.\n`)
  expect((await secret.read()).keys).toEqual([expect.objectContaining({ name: 'billing', api_key })])
  const forPeople = await keys('list')
  expect(forPeople.stderr).toBe('')
  for (const key of [OWN, api_key]) expect(forPeople.stdout).not.toContain(key.slice(21))
  expect(await keys('revoke', 'billing')).toEqual({
    code: 0,
    stdout: '',
    stderr: `Revoked key ${billing?.id} (billing).\n`,
  })
  expect(await secret.read()).toEqual({ ...keyJson(OWN), keys: [] })
  expect((await keys('revoke', 'billing')).code).toBe(4)
})

test('without the secret every command says how to make it', async () => {
  const { run } = await keysOn()
  const commands = [
    ['keys', 'list'],
    ['keys', 'create', '--name', 'one'],
    ['keys', 'revoke', 'one'],
    ['keys', 'revoke', '--previous'],
    ['keys', 'rotate'],
    ['token'],
  ]
  for (const words of commands) {
    const { code, stdout, stderr } = await run(...words)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('Create it with "purposepath-prompts provision"')
    // The command token warns as a server does, and then fails with the same sentence.
    if (words[0] === 'keys') expect(stderr).toMatch(/^[^\n]+\n$/)
  }
})

test('a rotation that was interrupted goes on and prints the new key alone', async () => {
  const { secret, settings, keys, list } = await keysOn(keyJson(OWN, [entry('a')]))
  const child = spawn(process.execPath, [PROGRAM, 'keys', 'rotate'], { env: environmentOf(settings) })
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  await waitFor(() => /Waiting (60|59) s until every server knows it/.exec(stderr()))
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(stdout()).toBe('')
  const { AWSPENDING: pending = '' } = await secret.labels()
  const value = await secret.read('AWSPENDING')
  expect((await secret.read()).api_key).toBe(OWN)
  // A minute later.
  const created_at = new Date(Date.now() - 61_000).toISOString()
  await secret.move('AWSPENDING', undefined, pending)
  await secret.put({ ...value, created_at }, 'AWSPENDING')

  const rotated = await keys('rotate')
  expect({ ...rotated, stderr: '' }).toEqual({ code: 0, stdout: `${value.api_key}\n`, stderr: '' })
  expect(rotated.stderr).toContain('Going on with the rotation that is pending.')
  expect(rotated.stderr).not.toContain('Waiting')
  expect(rotated.stderr).toContain('keys revoke --previous')
  expect(await secret.read()).toMatchObject({ api_key: value.api_key, version: 'v2', keys: [entry('a')] })
  expect((await list()).map(({ id }) => id).sort()).toEqual(['current', 'id-a', 'previous'])

  const withdrawn = await keys('revoke', '--previous')
  expect(withdrawn).toEqual({ code: 0, stdout: '', stderr: 'Revoked key previous (backend).\n' })
  expect(await secret.labels()).not.toHaveProperty('AWSPREVIOUS')
  expect((await keys('revoke', '--previous')).code).toBe(4)
})

test.each([
  [['revoke'], 'by its id or name'],
  [['revoke', 'one', '--previous'], 'by its id or name'],
  [['revoke', 'backend'], 'keys rotate'],
])('wrong words exit with 2 and say what is right: keys %j', async (words, hint) => {
  const { keys } = await keysOn(keyJson(OWN))
  const { code, stdout, stderr } = await keys(...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(hint)
})

test.each([[['rotate']], [['revoke', '--previous']]])(
  'keys in the data folder do not rotate, and are told how to change: %j',
  async (words) => {
    const settings = { PROMPTS_DATA_DIR: await tempFolder() }
    const { code, stdout, stderr } = await runCommand(['keys', ...words], settings)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('create a new key')
  },
)

test('an invalid secret is reported at the terminal, without its values', async () => {
  const { secret, keys } = await keysOn(keyJson(OWN))
  await secret.put(`{"api_key": "CANARY-SECRET"`)
  const { code, stdout, stderr } = await keys('list')
  expect(code).toBe(0)
  expect(stdout).toContain('previous')
  expect(stderr).toContain('AWSCURRENT: it is no JSON object')
  expect(`${stdout}${stderr}`).not.toContain('CANARY')
})

test('tokens are signed with the secret of the stage', async () => {
  const text = 'a secret of more than thirty-two bytes'
  const secret = await openSecret({ secret: text }, 'purposepath-jwt-secret-test')
  const settings = { ...secret.environment, PROMPTS_DATA_DIR: await tempFolder() }
  withAwsSettings(settings)
  const { code, stdout } = await runCommand(['token', '--sub', 'anna'], settings)
  expect(code).toBe(0)
  await jwtVerify(stdout.trim(), Buffer.from(text))
  expect(decodeJwt(stdout.trim())).toMatchObject({ sub: 'anna', role: 'admin' })
})

test('the function that rotates needs no other file, and runs its steps', async () => {
  const { secret, settings } = await keysOn(keyJson(OWN))
  const cwd = await tempFolder()
  await copyFile(LAMBDA, join(cwd, basename(LAMBDA)))
  const token = await secret.put(keyJson('next', undefined, { created_at: new Date() }), 'AWSPENDING')
  const step = async (Step: string, leftMs: number) => {
    const event = JSON.stringify({ Step, SecretId: SECRET, ClientRequestToken: token })
    const script = `
      import(${JSON.stringify(`./${basename(LAMBDA)}`)}).then(({ handler }) =>
        handler(${event}, { getRemainingTimeInMillis: () => ${leftMs} }))`
    const words = [...AS_ON_LAMBDA, '--eval', script]
    const child = spawn(process.execPath, words, { cwd, env: environmentOf(settings) })
    const stderr = collect(child.stderr)
    const [code] = await once(child, 'close')
    return { code, stderr: stderr() }
  }
  for (const name of ['createSecret', 'setSecret', 'testSecret']) {
    expect(await step(name, 120_000)).toMatchObject({ code: 0 })
  }
  const early = await step('finishSecret', 30_000)
  expect(early.code).toBe(1)
  expect(early.stderr).toContain('The new key is too young')
  expect((await secret.read()).api_key).toBe(OWN)
})

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
