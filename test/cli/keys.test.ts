import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ApiKey } from '../../src/domain/api-keys.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { runProgram, startServer, waitFor } from '../helpers/program.ts'

/** `keys …` on a data folder of its own. */
async function keysIn(STAGE?: string) {
  const PROMPTS_DATA_DIR = await tempFolder()
  const settings = { PROMPTS_DATA_DIR, STAGE }
  const keys = (...words: string[]) => runCommand(['keys', ...words], settings)
  const list = async () => (JSON.parse((await keys('list', '--json')).stdout) as { data: ApiKey[] }).data
  return { settings, keys, list, file: join(PROMPTS_DATA_DIR, '.purposepath/keys.json') }
}

test.each([undefined, 'prod-eu'])(
  'a new key stands alone on stdout and names its stage: %s',
  async (stage) => {
    const { keys, list } = await keysIn(stage)
    const { code, stdout, stderr } = await keys('create', '--name', 'backend')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^ppath_svc_${stage ?? 'dev'}_[0-9a-f]{48}\n$`))
    const [key] = await list()
    expect(stderr).toBe(`Created key ${key?.id} (backend). It is shown only this once.\n`)
  },
)

test('a key is kept and listed by its prefix, never in clear', async () => {
  const { keys, list, file } = await keysIn()
  const key = (await keys('create', '--name', 'backend')).stdout.trim()
  const secret = key.slice('ppath_svc_dev_'.length)
  const prefix = key.slice(0, 'ppath_svc_dev_'.length + 6)
  const forPeople = (await keys('list')).stdout
  expect(forPeople).toMatch(new RegExp(`^\\S+ +backend +${prefix} +\\S+$`, 'm'))
  expect(await list()).toEqual([
    { id: expect.any(String), name: 'backend', prefix, created_at: expect.stringMatching(/^\d{4}-.*Z$/) },
  ])
  const kept = [forPeople, (await keys('list', '--json')).stdout, await readFile(file, 'utf8')]
  for (const text of kept) {
    expect(text).toContain(prefix)
    expect(text).not.toContain(secret)
    expect(text).not.toContain(secret.slice(6, 20))
  }
})

test('an installation without keys says how to make one', async () => {
  const { keys, list } = await keysIn()
  expect(await keys('list')).toEqual({
    code: 0,
    stdout: 'No keys yet: keys create --name NAME\n',
    stderr: '',
  })
  expect(await list()).toEqual([])
})

test.each([
  ['30m', 30 * 60_000],
  ['12h', 12 * 3_600_000],
  ['90d', 90 * 86_400_000],
])('a key with --ttl %s ends after that time', async (ttl, milliseconds) => {
  const { keys, list } = await keysIn()
  await keys('create', '--name', 'short', '--ttl', ttl)
  const [key] = await list()
  const lifetime = Date.parse(key?.expires_at ?? '') - Date.parse(key?.created_at ?? '')
  expect(Math.abs(lifetime - milliseconds)).toBeLessThan(1_000)
})

test.each([
  ['--ttl', '5'],
  ['--ttl', '1y'],
  ['--ttl', '-1h'],
  ['--ttl', '1.5h'],
  ['--ttl', ''],
  ['--ttl', '0m'],
  ['--name', 'two words'],
  ['--name', ''],
  ['--name', 'a'.repeat(65)],
  ['--name', 'line\nbreak'],
  ['--name', 'Zoë'],
])('create refuses %s %j by name, with exit code 2', async (option, value) => {
  const { keys, list } = await keysIn()
  const words = option === '--ttl' ? ['--name', 'fine', `--ttl=${value}`] : ['--name', value]
  const { code, stdout, stderr } = await keys('create', ...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(new RegExp(`^Invalid input: ${option.slice(2)}: [^\\n]+\\n$`))
  expect(await list()).toEqual([])
})

test('create tells what a good name and a good time look like', async () => {
  const { keys } = await keysIn()
  expect((await keys('create', '--name', 'two words')).stderr).toContain('letters')
  expect((await keys('create', '--name', 'fine', '--ttl', 'soon')).stderr).toContain('90d')
})

test('create needs a name', async () => {
  const { keys } = await keysIn()
  const { code, stdout, stderr } = await keys('create')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('--name')
})

test('a key is revoked by name or by id, once', async () => {
  const { keys, list } = await keysIn()
  for (const name of ['one', 'two']) await keys('create', '--name', name)
  const [one, two] = (await list()) as [ApiKey, ApiKey]
  const byName = await keys('revoke', 'one')
  expect(byName).toEqual({ code: 0, stdout: '', stderr: `Revoked key ${one.id} (one).\n` })
  expect((await keys('revoke', two.id)).code).toBe(0)
  const revoked = (await list()).map(({ name, revoked_at }) => [name, Boolean(revoked_at)])
  expect(revoked).toEqual([
    ['one', true],
    ['two', true],
  ])
  expect((await keys('revoke', 'one')).code).toBe(4)
})

test('revoking what is not there exits with 4 and names it', async () => {
  const { keys } = await keysIn()
  expect(await keys('revoke', 'nobody')).toEqual({
    code: 4,
    stdout: '',
    stderr: 'Not found: No usable key has the id or name "nobody".\n',
  })
})

test('of two keys with one name none is revoked by name, and each is by id', async () => {
  const { keys, list } = await keysIn()
  for (const name of ['twin', 'twin']) await keys('create', '--name', name)
  expect(await keys('revoke', 'twin')).toEqual({
    code: 5,
    stdout: '',
    stderr: 'Conflict: Several keys are named "twin"; give an id.\n',
  })
  const [first] = (await list()) as [ApiKey]
  expect((await keys('revoke', first.id)).code).toBe(0)
  // One that is left is meant by its name again.
  expect((await keys('revoke', 'twin')).code).toBe(0)
})

test('keys made at the same time are all kept', async () => {
  const { settings, list } = await keysIn()
  const names = ['a', 'b', 'c', 'd']
  await Promise.all(names.map((name) => runProgram(['keys', 'create', '--name', name], settings)))
  expect((await list()).map(({ name }) => name).sort()).toEqual(names)
})

test('a running server takes a new key and refuses a revoked one within a second', async () => {
  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  const server = await startServer(settings)
  const key = (await runProgram(['keys', 'create', '--name', 'late'], settings)).stdout.trim()
  const statusOf = async () => {
    const headers = { 'X-Api-Key': key, 'Content-Type': 'application/json' }
    return (await fetch(`${server.url}/mcp`, { method: 'POST', headers, body: '{}' })).status
  }
  await waitFor(async () => (await statusOf()) !== 401, 1_000)
  await runProgram(['keys', 'revoke', 'late'], settings)
  await waitFor(async () => (await statusOf()) === 401, 1_000)
})
