import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../helpers/clients.ts'
import { runCommand } from '../../helpers/command.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { startServer, waitFor } from '../../helpers/program.ts'
import { ask, initialize, postMcp, startStdio } from '../../helpers/raw.ts'
import { topicContent } from '../../helpers/topics.ts'

// Strings that stand for what must never be printed: parameter values, prompt texts, names made up by callers, keys.
const VALUE = 'CANARY-VALUE-4711'
const TEXT = 'CANARY TEXT 4712'
const NAME = 'CANARY NAME 4713'
const WRONG_KEY = 'ppath_svc_dev_abcdefCANARY4714'

/** Every canary, however it is written: a log may quote or shorten it. */
const CANARY = /canary/i

const PARAMETERS = [
  { name: 'word', type: 'string' as const, required: true },
  { name: 'count', type: 'number' as const, required: false },
]

async function folderWithCanaries(): Promise<string> {
  const folder = await tempFolder()
  await writeTopic(folder, topicContent('secretive', { user: `${TEXT} {{word}} {{count}}` }, PARAMETERS))
  await writeTopic(folder, topicContent('broken', { user: `${TEXT} {{#never_closed}} ${TEXT}` }))
  await writeTopic(folder, topicContent('undeclared', { user: `${TEXT} {{nobody_declared_this}}` }))
  await mkdir(join(folder, 'topics'), { recursive: true })
  await writeFile(join(folder, 'topics/no_json.json'), `{"topic_name": ${TEXT}}`)
  return folder
}

/** Calls of every kind, most of them wrong, that carry canaries. */
const CALLS: { method: string; params: Record<string, unknown> }[] = [
  { method: 'prompts/get', params: { name: 'secretive', arguments: { word: VALUE, count: '7' } } },
  { method: 'prompts/get', params: { name: 'secretive', arguments: { word: VALUE, count: VALUE } } },
  { method: 'prompts/get', params: { name: 'secretive', arguments: { [NAME]: VALUE, word: 'x' } } },
  { method: 'prompts/get', params: { name: 'secretive', arguments: { word: 7, count: [VALUE] } } },
  { method: 'prompts/get', params: { name: NAME, arguments: { word: VALUE } } },
  ...[
    { topic_id: 'secretive', parameters: { word: VALUE, count: 7 } },
    { topic_id: 'secretive', parameters: { word: { [NAME]: VALUE }, count: VALUE } },
    { topic_id: 'secretive', parameters: { [NAME]: VALUE } },
    { topic_id: NAME, [NAME]: VALUE, parameters: VALUE },
  ].map((input) => ({ method: 'tools/call', params: { name: 'render_prompts', arguments: input } })),
  { method: 'tools/call', params: { name: NAME, arguments: { [NAME]: VALUE } } },
  { method: 'tools/call', params: { name: 'list_topics', arguments: { q: VALUE, cursor: VALUE } } },
  { method: 'tools/call', params: { name: 'get_prompts', arguments: VALUE } },
  { method: 'resources/read', params: { uri: `prompt://secretive/${NAME}` } },
  { method: 'resources/read', params: { uri: `prompt://${NAME}` } },
  { method: 'prompts/list', params: { cursor: VALUE } },
  { method: NAME, params: { [NAME]: VALUE } },
]
const MALFORMED = [`{"jsonrpc":"2.0","id":1,"method":"${NAME}`, VALUE, `"${VALUE}"`, `{"${NAME}":"${VALUE}"}`]

const requests = CALLS.map((call, index) => ({ jsonrpc: '2.0', id: `call ${index}`, ...call }))

test('a server prints no parameter value, prompt text, made-up name or key', async () => {
  const folder = await folderWithCanaries()
  const settings = { PROMPTS_DATA_DIR: folder, PROMPTS_LOG_LEVEL: 'debug' }
  const server = await startServer(settings)
  const greeting = server.stdout()
  for (const body of [...requests, ...MALFORMED, requests]) await postMcp(server, body)
  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': NAME, 'mcp-name': NAME }
  for (const body of requests) await postMcp(server, body, modern)
  for (const key of [WRONG_KEY, NAME, `${server.key}CANARY`])
    await postMcp({ url: server.url, key }, requests[0])
  await postMcp(server, requests[0], { authorization: `Bearer ${NAME}` })
  await postMcp(server, requests[0], {
    'mcp-protocol-version': NAME,
    accept: NAME,
    'content-type': 'text/CANARY',
  })
  await postMcp(server, requests[0], { origin: 'http://canary.example' })
  await ask(`${server.url}/CANARY?${VALUE}=${VALUE}`)
  const client = await connect(server, '2026-07-28')
  await client.getPrompt({ name: 'secretive', arguments: { word: VALUE } })
  await appendFile(join(folder, 'prompts/secretive/user.md'), `{{#never_closed}} ${TEXT}`)
  await waitFor(() => server.stderr().includes('topic secretive is invalid'))
  await server.stop()
  expect(server.stderr()).toContain('"event":"prompts.render"')
  expect(server.stderr()).toContain('"event":"authenticate"')
  expect(leaks(server.stderr())).toEqual([])
  expect(leaks(server.stdout())).toEqual([])
  // The key is shown once, in the greeting; the log knows its first characters only.
  expect(server.stdout()).toBe(greeting)
  expect(greeting).toContain(server.key)
  expect(server.stderr()).toContain(server.key.slice(0, 20))
  expect(server.stderr()).not.toContain(server.key.slice(-42))
})

test('stdio logs no parameter value, prompt text or made-up name', async () => {
  const settings = { PROMPTS_DATA_DIR: await folderWithCanaries(), PROMPTS_LOG_LEVEL: 'debug' }
  const stdio = startStdio(settings)
  stdio.send(initialize())
  await stdio.answer(0)
  for (const line of MALFORMED) stdio.write(`${line}\n`)
  for (const request of requests) stdio.send(request)
  for (const { id } of requests) await stdio.answer(id)
  stdio.process.stdin?.end()
  await stdio.ended
  expect(stdio.stderr()).toContain('"event":"prompts.render"')
  expect(leaks(stdio.stderr())).toEqual([])
})

test('commands log no parameter value and no prompt text, and print a key only where it is made', async () => {
  const settings = { PROMPTS_DATA_DIR: await folderWithCanaries(), PROMPTS_LOG_LEVEL: 'debug' }
  const render = (...words: string[]) => runCommand(['prompts', 'render', 'secretive', ...words], settings)
  const right = await render('--param', `word=${VALUE}`)
  expect({ code: right.code, log: leaks(right.stderr) }).toEqual({ code: 0, log: [] })
  expect(right.stdout).toContain(`${TEXT} ${VALUE}`)
  for (const words of [
    ['--param', `word=${VALUE}`, '--param', `count=${VALUE}`],
    ['--param', `count=${VALUE}`, '--json'],
    ['--parameters', `{"word": ["${VALUE}"]}`],
    ['--parameters', `{"word": ${VALUE}`],
    ['--param', VALUE],
  ]) {
    const wrong = await render(...words)
    expect({ words, code: wrong.code, stdout: wrong.stdout, log: leaks(wrong.stderr) }).toEqual({
      words,
      code: 2,
      stdout: '',
      log: [],
    })
  }
  const source = await folderWithCanaries()
  const imported = await runCommand(['import', source], { ...settings, PROMPTS_DATA_DIR: await tempFolder() })
  expect({ code: imported.code, log: leaks(imported.stderr) }).toEqual({ code: 2, log: [] })
  const doctor = await runCommand(['doctor'], settings)
  expect(leaks(doctor.stdout + doctor.stderr)).toEqual([])

  const created = await runCommand(['keys', 'create', '--name', 'somebody'], settings)
  const secret = created.stdout.trim().slice(-42)
  expect(secret).toMatch(/^[0-9a-f]{42}$/)
  expect(created.stderr).not.toContain(secret)
  for (const words of [['list'], ['list', '--json'], ['revoke', 'somebody']]) {
    const { code, stdout, stderr } = await runCommand(['keys', ...words], settings)
    expect({ words, code, shown: (stdout + stderr).includes(secret) }).toEqual({
      words,
      code: 0,
      shown: false,
    })
  }
})

/** Lines that hold a canary. */
function leaks(printed: string): string[] {
  return printed.split('\n').filter((line) => CANARY.test(line))
}
