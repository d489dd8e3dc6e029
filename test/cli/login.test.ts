import { expect, test } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import type { Environment } from '../helpers/program.ts'

const login = async (settings: Environment = {}, ...words: string[]) =>
  runCommand(['login', ...words], { PROMPTS_DATA_DIR: await tempFolder(), ...settings })

// That a link signs in, and works once, is tested with the server: test/transport/http/sign-in.test.ts.
test.each<[string, Environment, string[], string]>([
  ['the usual address', {}, [], 'http://127.0.0.1:3000'],
  ['settings', { PROMPTS_HOST: 'localhost', PROMPTS_PORT: '4000' }, [], 'http://localhost:4000'],
  ['options', { PROMPTS_PORT: '4000' }, ['--host', '::1', '--port', '5000'], 'http://[::1]:5000'],
  ['a public address', { PROMPTS_PUBLIC_URL: 'https://p.example/x/' }, [], 'https://p.example/x'],
  ['names', { PROMPTS_HOST: '0.0.0.0', PROMPTS_ALLOWED_HOSTS: 'p.example' }, [], 'http://p.example:3000'],
])('a link by %s stands alone on stdout', async (_, settings, words, url) => {
  const { code, stdout, stderr } = await login(settings, ...words)
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'It works once, for 10 minutes.\n' })
  expect(stdout.slice(0, -44)).toBe(`${url}/admin/sign-in?code=`)
  expect(stdout.slice(-44)).toMatch(/^[\w-]{43}\n$/)
})

test('a port that nobody knows is asked for', async () => {
  const { code, stdout, stderr } = await login({ PROMPTS_PORT: '0' })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('--port')
})
