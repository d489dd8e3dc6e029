import { expect, test } from 'vitest'
import { kpiTopic } from '../helpers/api.ts'
import {
  errorLeaks,
  expectSilence,
  logLeaks,
  NAME,
  startWithCanaries,
  TEXT,
  VALUE,
} from '../helpers/canaries.ts'
import { runProgram } from '../helpers/program.ts'
import { initialize, postMcp, type RpcMessage, rpcIn, startStdio } from '../helpers/raw.ts'

/** The same calls as tools, for MCP. */
const TOOLS = [
  ['update_prompt', { topic_id: 'secretive', prompt_type: 'system', content: `${TEXT} {{nobody}}` }],
  ['update_prompt', { topic_id: 'secretive', prompt_type: 'system', content: TEXT, expected_revision: 99 }],
  ['update_prompt', { topic_id: 'secretive', prompt_type: 'system', content: TEXT, note: TEXT.repeat(50) }],
  ['update_prompt', { topic_id: 'secretive', prompt_type: NAME, content: [TEXT], [NAME]: VALUE }],
  ['create_topic', kpiTopic('secretive', { prompts: { system: TEXT } })],
  ['preview_prompt', { topic_id: 'secretive', prompt_type: 'user', content: `${TEXT} {{#a}}` }],
  ['render_prompts', { topic_id: 'secretive', parameters: { word: [VALUE], count: VALUE } }],
  ['restore_prompt', { topic_id: 'secretive', prompt_type: 'system', version_id: NAME }],
  ['list_topics', { q: VALUE, cursor: VALUE }],
] as const
const CALLS = TOOLS.map(([name, input], id) => {
  return { jsonrpc: '2.0', id: `call ${id}`, method: 'tools/call', params: { name, arguments: input } }
})

/** What a tool answered as text: the problem document, if it was refused. */
function textIn({ result }: RpcMessage = {}): string {
  const content = result?.['content'] as { text: string }[] | undefined
  return content?.[0]?.text ?? ''
}

test('tools tell no text and no value, over HTTP and over stdio', async () => {
  const server = await startWithCanaries()
  const [greeting, problems] = [server.stdout(), [] as string[]]
  const credentials: Record<string, string>[] = [
    { 'x-api-key': server.key },
    { authorization: `Bearer ${server.token}` },
  ]
  for (const call of CALLS) {
    for (const headers of credentials) {
      problems.push(textIn(rpcIn(await postMcp({ url: server.url }, call, headers))[0]))
    }
  }
  const stdio = startStdio(server.settings)
  stdio.send(initialize())
  await stdio.answer(0)
  for (const call of CALLS) {
    stdio.send(call)
    problems.push(textIn(await stdio.answer(call.id)))
  }
  stdio.process.stdin?.end()
  await stdio.ended
  expect(stdio.stderr()).toContain('"event":"prompts.update"')
  expect(logLeaks(stdio.stderr())).toEqual([])
  expect(errorLeaks(problems)).toEqual([])
  await expectSilence(server, greeting, [server.key, server.token])
})

test('commands that are refused tell no text and no value', async () => {
  const { settings } = await startWithCanaries()
  const at = ['secretive', 'system']
  const wrong = `[{"name":"a","type":"number","default":"${VALUE}"}]`
  for (const words of [
    ['prompts', 'update', ...at, '--content', `${TEXT} {{nobody}} {{#open}}`],
    ['prompts', 'update', ...at, '--content', TEXT, '--expected-revision', '99'],
    ['prompts', 'create', ...at, '--content', TEXT],
    ['prompts', 'restore', ...at, '--version-id', NAME],
    ['prompts', 'render', 'secretive', '--param', `count=${VALUE}`],
    ['topics', 'update', 'secretive', '--allowed-parameters', wrong],
    ['topics', 'update', 'secretive', '--allowed-parameters', VALUE],
  ]) {
    const { code, stdout, stderr } = await runProgram([...words, '--json'], settings)
    const [problem = ''] = /^\{$.*?^\}$/ms.exec(stderr) ?? []
    const log = stderr.replace(problem, '')
    expect({ words, failed: code !== 0, stdout }).toEqual({ words, failed: true, stdout: '' })
    expect({ words, log: logLeaks(log), told: errorLeaks([problem]) }).toEqual({ words, log: [], told: [] })
  }
})
