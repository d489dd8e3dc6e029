import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ParameterDefinitions } from '../../src/domain/parameters.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { startServer } from '../helpers/program.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

const PARAMETERS = ParameterDefinitions.parse([
  { name: 'who', type: 'string', required: true },
  { name: 'count', type: 'number', default: 1 },
  { name: 'items', type: 'array' },
])

/** A data folder with three topics: `greet` takes parameters, `plain` takes none, `off` is inactive. */
function store(): Promise<string> {
  const greet = topicContent('greet', { system: '{{count}} {{items}}', user: 'Hi {{who}}' }, PARAMETERS)
  Object.assign(greet.definition, { topic_type: 'kpi_system', display_order: 7 })
  const off = topicContent('off', { user: 'x' })
  off.definition.is_active = false
  return folderWith(greet, topicContent('plain', { user: 'As it is' }), off)
}

async function run(words: string[], stdin = '') {
  return runCommand(words, { PROMPTS_DATA_DIR: await store() }, { stdin })
}

/** The one JSON object on a stream. */
function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}

function render(...words: string[]) {
  return run(['prompts', 'render', 'greet', ...words])
}

const rendered = (system: string, user: string) => ({
  data: { topic_id: 'greet', prompts: { system, user } },
  meta: { revision: 1 },
})

describe('--json', () => {
  test('prints just what the API answers, and nothing else on stdout or stderr', async () => {
    const folder = await store()
    const server = await startServer({ PROMPTS_DATA_DIR: folder })
    const pairs: [tool: string, input: object, words: string[]][] = [
      ['list_topics', {}, ['topics', 'list', '--is-active', 'true']],
      ['get_prompts', { topic_id: 'greet' }, ['prompts', 'fetch', 'greet']],
      [
        'get_prompts',
        { topic_id: 'greet', include_parameters: true },
        ['prompts', 'fetch', 'greet', '--include-parameters'],
      ],
      ['batch_get', { topic_ids: ['plain', 'no'] }, ['prompts', 'batch', '--topic-ids', '["plain","no"]']],
      [
        'render_prompts',
        { topic_id: 'greet', parameters: { who: 'A' } },
        ['prompts', 'render', 'greet', '--param', 'who=A'],
      ],
    ]
    for (const [name, input, words] of pairs) {
      const { code, stdout, stderr } = await runCommand([...words, '--json'], { PROMPTS_DATA_DIR: folder })
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
      expect(parsed(stdout)).toEqual(await callTool(server, name, input))
    }
  })

  test('prints the record of a topic', async () => {
    const { data, meta } = parsed((await run(['topics', 'get', 'off', '--json'])).stdout)
    expect(data).toMatchObject({
      topic_id: 'off',
      is_active: false,
      revision: 1,
      available_prompts: ['user'],
    })
    expect(meta).toEqual({ revision: 1 })
  })

  test('prints a failure as a problem document on stderr', async () => {
    const { code, stdout, stderr } = await run(['topics', 'get', 'nope', '--json'])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(parsed(stderr)).toEqual({
      type: 'urn:purposepath-prompts:problem:not_found',
      title: 'Not found',
      status: 404,
      detail: 'There is no topic "nope".',
      code: 'not_found',
    })
  })
})

describe('for people', () => {
  test('lists topics as a table in their order, and says on stderr how to get more', async () => {
    const { stdout, stderr } = await run(['topics', 'list', '--limit', '1'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^topic_id +topic_name +topic_type/)
    expect(lines[1]).toMatch(/^greet +Topic greet +kpi_system +analysis +true +system, user +1$/)
    expect(stderr).toMatch(/^More with --cursor \S+\n$/)
    const cursor = stderr.trim().split(' ').at(-1) as string
    const next = await run(['topics', 'list', '--cursor', cursor, '--json'])
    const { data } = JSON.parse(next.stdout) as { data: { topic_id: string }[] }
    expect(data.map(({ topic_id }) => topic_id)).toEqual(['off', 'plain'])
  })

  test('shows texts under their types', async () => {
    const { stdout, stderr } = await render('--param', 'who=A')
    expect({ stdout, stderr }).toEqual({
      stdout: 'topic_id: greet\n── system ──\n1 \n── user ──\nHi A\n',
      stderr: '',
    })
  })

  test('shows the parts of a batch, and what could not be had on stderr', async () => {
    const { code, stdout, stderr } = await run(['prompts', 'batch', '--topic-ids', '["plain","off"]'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'off: There is no topic "off". (not_found)\n' })
    expect(stdout).toMatch(/^[^\n]*plain[^\n]*\n── user ──\nAs it is\n$/)
  })

  test("shows a topic's settings as settings, not as prompt texts", async () => {
    const topic = topicContent('t', { user: 'x' })
    topic.definition.config = { default_model: 'claude' }
    const { stdout } = await runCommand(['topics', 'get', 't'], { PROMPTS_DATA_DIR: await folderWith(topic) })
    expect(stdout).toMatch(/^config: .*claude/m)
    expect(stdout).not.toContain('──')
  })
})

describe('parameters', () => {
  const values = '{"who": "A", "count": 2, "items": ["x", "y"]}'
  const expected = rendered('2 ["x","y"]', 'Hi A')

  test('are texts of declared types with --param', async () => {
    const { stdout } = await render(
      '--param',
      'who=A',
      '--param',
      'count=2',
      '--param',
      'items=x, y',
      '--json',
    )
    expect(parsed(stdout)).toEqual(expected)
  })

  test('keep everything after the first = sign', async () => {
    const { stdout } = await render('--param', 'who=a=b&c=', '--json')
    expect(parsed(stdout)).toEqual(rendered('1 ', 'Hi a=b&c='))
  })

  test('are typed with --parameters, from the words, a file or stdin', async () => {
    const file = join(await tempFolder(), 'values.json')
    await writeFile(file, values)
    for (const source of [values, `@${file}`, '-']) {
      const stdin = source === '-' ? values : ''
      const { stdout } = await run(['prompts', 'render', 'greet', '--parameters', source, '--json'], stdin)
      expect(parsed(stdout)).toEqual(expected)
    }
  })

  test('are not converted in JSON', async () => {
    const { code, stderr } = await render('--parameters', '{"who": "A", "count": "2"}')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'Invalid input: parameters.count: expected a number, got a string.\n',
    })
  })

  test('are never guessed from a file that is not UTF-8', async () => {
    const file = join(await tempFolder(), 'latin1.json')
    await writeFile(file, Buffer.from('{"who": "Ren\xe9"}', 'latin1'))
    const { code, stdout, stderr } = await render('--parameters', `@${file}`)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('parameters')
  })

  test.each([
    ['in both ways', ['--param', 'who=A', '--parameters', '{}'], 'parameters'],
    ['without a name', ['--param', '=A'], 'param'],
    ['without a value', ['--param', 'who'], 'param'],
    ['as broken JSON', ['--parameters', '{'], 'parameters'],
    ['from a file that is not there', ['--parameters', '@/nowhere.json'], 'parameters'],
    ['as a list', ['--parameters', '[1]'], 'parameters'],
    ['by an inherited name', ['--parameters', '{"who": "A", "__proto__": 1}'], 'parameters.__proto__'],
    ['by an unknown name', ['--param', 'who=A', '--param', 'constructor=1'], 'parameters.constructor'],
    ['not at all', [], 'parameters.who'],
  ])('that are given %s are refused by name', async (_, words, path) => {
    const forPeople = await render(...words)
    expect({ code: forPeople.code, stdout: forPeople.stdout }).toEqual({ code: 2, stdout: '' })
    expect(forPeople.stderr).toMatch(new RegExp(`^Invalid input: ${path}: [^\\n]+\\n$`))
    const asJson = await render(...words, '--json')
    expect(parsed(asJson.stderr)).toMatchObject({ code: 'invalid_input', status: 400, errors: [{ path }] })
  })

  test('that are wrong are named all at once', async () => {
    const { code, stderr } = await render('--param', 'count=many', '--param', 'extra=1')
    expect(code).toBe(2)
    expect(stderr.split('\n').slice(1)).toEqual([
      '  parameters.who is required and missing.',
      '  parameters.count expected a number, got a string.',
      '  parameters.extra is not a parameter of this topic.',
      '',
    ])
  })
})

async function callTool({ url, key }: { url: string; key: string }, name: string, input: object) {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'X-Api-Key': key,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: input },
    }),
  })
  const text = await response.text()
  const body = parsed(/^data: (.*)$/m.exec(text)?.[1] ?? text)
  return (body['result'] as { structuredContent: object }).structuredContent
}
