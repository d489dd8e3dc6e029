import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathsOf } from '../helpers/api.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { injectedHttp, injectedStdio } from '../helpers/injected.ts'
import { parameter } from '../helpers/parameters.ts'
import type { RpcMessage } from '../helpers/raw.ts'
import { openServices, put } from '../helpers/services.ts'
import { topicContent } from '../helpers/topics.ts'

/*
 * Entry points: bodies and queries of REST, of /analyze and of the early path; tools and prompts of MCP over stdio and
 * HTTP; runs of drafts and conversations; --param, --parameters and --config; files of the data folder; import and check
 * of a folder, of a file and of Langfuse's export.
 */

/** What a double does not hold, as JSON text: rounded, or not a number at all. */
const INEXACT = [
  '9007199254740993',
  '-9007199254740993',
  '9007199254740993.0',
  '12345678901234567890.5',
  '1e21',
  '1e400',
]
/** What is a number still, and how it is written back. */
const EXACT = [
  ['9007199254740991', '9007199254740991'],
  ['-9007199254740991', '-9007199254740991'],
  ['1.10', '1.1'],
  ['0.1', '0.1'],
  ['1e15', '1000000000000000'],
  ['-0', '0'],
] as const

const PARAMETERS = [parameter('n', 'number'), parameter('o', 'object')]
const echo = () => topicContent('echo', { user: '{{n}}|{{o}}' }, PARAMETERS)
const ECHO = JSON.stringify({ ...echo().definition, topic_type: 'kpi_system', prompts: echo().texts })

const call = (method: string, params: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`
const tool = (name: string, input: string) => call('tools/call', `{"name":"${name}","arguments":${input}}`)
const pathsIn = ({ result, error }: RpcMessage) => {
  const [content] = (result?.['content'] ?? []) as { text: string }[]
  return pathsOf(content ? JSON.parse(content.text) : (error?.data ?? {}))
}

test.each(INEXACT)('REST refuses %s by its path', async (number) => {
  const { rest } = await injectedHttp(await tempFolder())
  expect((await rest('POST /admin/prompts', ECHO)).status).toBe(201)
  const topic = (more: string) =>
    `{"topic_id":"t","topic_name":"T","topic_type":"kpi_system","category":"kpi",${more}}`
  for (const [line, body, path] of [
    ['POST /prompts/echo/render', `{"parameters":{"n":${number}}}`, 'parameters.n'],
    ['POST /prompts/echo/render', `{"parameters":{"o":{"a":[1,${number}]}}}`, 'parameters.o.a.1'],
    ['POST /prompts/echo/analyze', `{"o":{"a":${number}}}`, 'o.a'],
    ['POST /admin/prompts/echo/user/preview', `{"content":"","parameters":{"n":${number}}}`, 'parameters.n'],
    ['POST /admin/prompts/echo/run', `{"prompts":{},"parameters":{"n":${number}}}`, 'parameters.n'],
    ['POST /conversations', `{"topic_id":"goals","parameters":{"n":${number}}}`, 'parameters.n'],
    ['POST /admin/prompts', topic(`"config":{"vendor":{"seed":${number}}}`), 'config.vendor.seed'],
    ['PUT /admin/prompts/echo', `{"config":{"seed":${number}}}`, 'config.seed'],
    ['PUT /admin/prompts/echo', `{"display_order":${number}}`, 'display_order'],
    [
      'PUT /admin/prompts/echo',
      `{"allowed_parameters":[{"name":"n","type":"number","default":${number}}]}`,
      'allowed_parameters.0.default',
    ],
    [
      'POST /admin/kpi-system/templates',
      `{"kpiId":"a","systemId":"b","displayName":"c","modelConfig":{"seed":${number}}}`,
      'modelConfig.seed',
    ],
    [`GET /prompts?limit=${number}`, undefined, 'limit'],
  ] as const) {
    const { status, text, json } = await rest(line, body)
    expect({ line, status, text, paths: [...new Set(pathsOf(json))] }).toEqual({
      line,
      status: 400,
      text: expect.any(String),
      paths: [path],
    })
  }
  expect((await rest('GET /admin/prompts/echo')).json.meta).toEqual({ revision: 1 })
})

test('REST says what to do instead, and takes the string', async () => {
  const { rest } = await injectedHttp(await tempFolder())
  await rest('POST /admin/prompts', ECHO)
  const refused = await rest('POST /prompts/echo/render', '{"parameters":{"o":{"id":9007199254740993}}}')
  expect(refused.json.detail).toBe(
    'parameters.o.id: is too large to be exact as a number; send it as a string.',
  )
  const taken = await rest('POST /prompts/echo/render', '{"parameters":{"o":{"id":"9007199254740993"}}}')
  expect(taken.json.data).toMatchObject({ prompts: { user: '|{"id":"9007199254740993"}' } })
})

test.each(EXACT)('%s is the number %s, everywhere', async (number, shown) => {
  const folder = await tempFolder()
  const { rest, mcp } = await injectedHttp(folder)
  await rest('POST /admin/prompts', ECHO)
  const text = `${shown}|{"a":${shown}}`
  const parameters = `{"n":${number},"o":{"a":${number}}}`
  const rendered = await rest('POST /prompts/echo/render', `{"parameters":${parameters}}`)
  expect(rendered.json.data).toMatchObject({ prompts: { user: text } })
  const input = { name: 'echo', arguments: { n: number, o: `{"a":${number}}` } }
  const { result } = await mcp(call('prompts/get', JSON.stringify(input)))
  expect(result).toMatchObject({ messages: [{ content: { text } }] })
  const settings = { PROMPTS_DATA_DIR: folder }
  const words = [
    'prompts',
    'render',
    'echo',
    '--json',
    '--param',
    `n=${number}`,
    '--param',
    `o={"a":${number}}`,
  ]
  expect(JSON.parse((await runCommand(words, settings)).stdout)).toMatchObject({
    data: { prompts: { user: text } },
  })
})

test.each(INEXACT)('MCP refuses %s by its path, over stdio and HTTP', async (number) => {
  const services = await openServices()
  await put(services, echo())
  const { rest, mcp } = await injectedHttp(await tempFolder())
  await rest('POST /admin/prompts', ECHO)
  for (const send of [injectedStdio(services), mcp]) {
    const render = tool('render_prompts', `{"topic_id":"echo","parameters":{"o":{"a":[${number}]}}}`)
    const rendered = await send(render)
    expect(rendered.result).toMatchObject({ isError: true, _meta: { code: 'invalid_input' } })
    expect(pathsIn(rendered)).toEqual(['parameters.o.a.0'])
    const run = tool('run_draft', `{"topic_id":"echo","prompts":{},"parameters":{"o":{"a":${number}}}}`)
    expect(pathsIn(await send(run))).toEqual(['parameters.o.a'])
    const update = await send(tool('update_topic', `{"topic_id":"echo","config":{"seed":${number}}}`))
    expect(pathsIn(update)).toEqual(['config.seed'])
    const given = { n: number, o: `{"a":${number}}` }
    const got = await send(call('prompts/get', JSON.stringify({ name: 'echo', arguments: given })))
    expect(got.error).toMatchObject({ code: -32602, data: { code: 'invalid_input' } })
    expect(pathsIn(got)).toEqual(['n', 'o.a'])
  }
})

test.each(INEXACT)('the command line refuses %s by its path', async (number) => {
  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  const topic = [
    'topics',
    'create',
    '--topic-id',
    'echo',
    '--topic-name',
    'E',
    '--topic-type',
    'kpi_system',
    '--category',
    'kpi',
  ]
  const parameters = ['--allowed-parameters', JSON.stringify(PARAMETERS)]
  expect((await runCommand([...topic, ...parameters], settings)).code).toBe(0)
  for (const [words, path] of [
    [['prompts', 'render', 'echo', '--param', `n=${number}`], 'parameters.n'],
    [['prompts', 'render', 'echo', '--param', `o={"a":${number}}`], 'parameters.o.a'],
    [['prompts', 'render', 'echo', '--parameters', `{"n":${number}}`], 'parameters.n'],
    [['topics', 'update', 'echo', '--config', `{"seed":${number}}`], 'config.seed'],
    [['topics', 'update', 'echo', '--display-order', number], 'display_order'],
  ] as const) {
    const { code, stderr } = await runCommand([...words, '--json'], settings)
    expect({ words, code, paths: pathsOf(JSON.parse(stderr)) }).toEqual({ words, code: 2, paths: [path] })
  }
})

test('the command line takes text that looks like a number for text', async () => {
  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  const update = ['topics', 'update', 'goals', '--json']
  for (const text of ['9007199254740993', '42', 'true', '"x"', '[1]']) {
    const words = [...update, '--external-id', text, '--description', text]
    const { data } = JSON.parse((await runCommand(words, settings)).stdout)
    expect(data).toMatchObject({ external_id: text, description: text })
  }
  const { data } = JSON.parse((await runCommand([...update, '--external-id', 'null'], settings)).stdout)
  expect(data).not.toHaveProperty('external_id')
})

test('files of the data folder and of an import refuse such numbers by their path', async () => {
  const folder = await tempFolder()
  const file = `{"topic_id":"t","topic_name":"T","topic_type":"x","category":"y","config":{"seed":9007199254740993}}`
  await mkdir(join(folder, 'topics'))
  await writeFile(join(folder, 'topics', 't.json'), file)
  const edit = ['topics', 'update', 't', '--topic-name', 'x']
  const edited = await runCommand(edit, { PROMPTS_DATA_DIR: folder })
  expect(edited.code).toBe(5)
  expect(edited.stderr).toContain('topics/t.json: config.seed: is too large to be exact as a number')

  const settings = { PROMPTS_DATA_DIR: await tempFolder() }
  const imported = await runCommand(['import', folder, '--json'], settings)
  expect({ code: imported.code, paths: pathsOf(JSON.parse(imported.stderr)) }).toEqual({
    code: 2,
    paths: ['topics/t.json: config.seed'],
  })
  const checked = await runCommand(['check', folder, '--json'], settings)
  expect(checked).toEqual(imported)
  const bundle = join(folder, 'all.json')
  await writeFile(bundle, `{"topics":[${file.replace(/}$/, ',"prompts":{}}')}]}`)
  const whole = await runCommand(['import', bundle, '--json'], settings)
  expect({ code: whole.code, paths: pathsOf(JSON.parse(whole.stderr)) }).toEqual({
    code: 2,
    paths: ['topics.0.config.seed'],
  })
  await writeFile(bundle, '[{"name":"t","prompt":"x","config":{"seed":9007199254740993}}]')
  const foreign = await runCommand(['import', bundle, '--json'], settings)
  expect({ code: foreign.code, paths: pathsOf(JSON.parse(foreign.stderr)) }).toEqual({
    code: 2,
    paths: ['0.config.seed'],
  })
})
