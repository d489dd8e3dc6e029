import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { expectProblem, expectUnharmed, pathsOf, sharedApi } from '../../../helpers/api.ts'

const server = sharedApi()

const PROMPT = 'PUT /admin/prompts/goals/system'
const TOPIC = 'PUT /admin/prompts/goals'
const CREATE = 'POST /admin/prompts'
const RENDER = 'POST /prompts/goals/render'
const BATCH = 'POST /prompts/batch'
const EARLY = 'POST /admin/kpi-system/templates'
const EVERY = [PROMPT, TOPIC, CREATE, RENDER, BATCH, EARLY, 'POST /admin/prompts/goals/system/preview']
const MIB = 1024 * 1024

/** A line, what is sent, and the fields that are at fault. */
type Case = [line: string, body: string | Buffer, paths: string[], headers?: Record<string, string>]

/** Sends all at once and expects the same refusal from each, naming just these fields. */
async function expectRefused(cases: Case[]): Promise<void> {
  const answers = await Promise.all(
    cases.map(async ([line, body, , headers = {}]) => {
      const answer = await server.admin(line, { body, headers })
      return [
        line,
        String(body).slice(0, 60),
        headers,
        answer.status,
        answer.json.code,
        [...new Set(pathsOf(answer.json))],
      ]
    }),
  )
  const expected = cases.map(([line, body, paths, headers = {}]) => {
    return [line, String(body).slice(0, 60), headers, 400, 'invalid_input', paths]
  })
  expect(answers).toEqual(expected)
  for (const [line, body, , headers = {}] of cases.slice(0, 3)) {
    expectProblem(await server.admin(line, { body, headers }), 400, 'invalid_input')
  }
  await expectUnharmed(server)
}

describe('what a body must be', () => {
  test('what is not JSON is refused with the place where it stops being JSON', async () => {
    for (const [body, line, column] of [
      ['{"content":"x",}', 1, 16],
      ['{"content": x}', 1, 13],
      ["{'content':'x'}", 1, 2],
      ['{\n  "content": "x"\n  "more": 1\n}', 3, 3],
      ['{"content":"x"} // why', 1, 17],
      ['{"content":"x"}{}', 1, 16],
      ['{"content":"a\nb"}', 1, undefined],
      ['{"content":"a\u0000b"}', 1, undefined],
      ['{"content":"x"', 1, undefined],
      ['nonsense', 1, 1],
      ['NaN', 1, 1],
      [' ', undefined, undefined],
    ] as const) {
      const answer = await server.admin(PROMPT, { body })
      expectProblem(answer, 400, 'invalid_input', ['body'])
      const [fault] = answer.json.errors as { line?: number; column?: number }[]
      expect({ body, line: fault?.line, column: fault?.column }).toEqual({
        body,
        line: line ?? expect.any(Number),
        column: column ?? expect.any(Number),
      })
    }
    await expectUnharmed(server)
  })

  test('JSON that is no object, bytes that are no UTF-8, and other encodings are refused', async () => {
    const cases = EVERY.flatMap((line): Case[] => [
      ...['[]', '"text"', '7', 'true', '[{"content":"x"}]'].map((body): Case => [line, body, ['body']]),
      [line, Buffer.from([0x22, 0xff, 0x22]), ['body']],
      [line, Buffer.from('{"content":"é"}', 'latin1'), ['body']],
      [line, Buffer.from('{"content":"x"}', 'utf16le'), ['body']],
      [line, Buffer.from('7b22636f6e74656e74223a22eda080227d', 'hex'), ['body']],
      [line, Buffer.from('7b22636f6e74656e74223a22c080227d', 'hex'), ['body']],
    ])
    await expectRefused(cases)
  })

  test('no body at all lacks the fields that it must have', async () => {
    const missing = async (line: string) => pathsOf((await server.admin(line, { body: '' })).json)
    expect(await missing(PROMPT)).toEqual(['content'])
    expect(await missing('POST /admin/prompts/goals/extra')).toEqual(['content'])
    expect(await missing(BATCH)).toEqual(['topic_ids'])
    expect((await missing(CREATE)).sort()).toEqual(['category', 'topic_id', 'topic_name', 'topic_type'])
    expect((await missing(EARLY)).sort()).toEqual(['displayName', 'kpiId', 'systemId'])
    const none = await server.admin(PROMPT, { body: undefined })
    expectProblem(none, 400, 'invalid_input', ['content'])
    await expectUnharmed(server)
  })

  test('another content type or charset is refused, also none', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']
    const charsets = ['latin1', 'iso-8859-1', 'utf-16', '"utf-16"', 'utf-7', '']
    const values = [
      ...types,
      '',
      'json',
      'application/jsonx',
      ...charsets.map((name) => `application/json; charset=${name}`),
    ]
    const body = '{"content":"x"}'
    await expectRefused(
      values.map((type): Case => [PROMPT, body, ['content-type'], { 'content-type': type }]),
    )
    for (const type of [
      'application/json',
      'Application/JSON ; Charset=UTF-8',
      'application/json;charset="utf-8"',
    ]) {
      const { status } = await server.admin(PROMPT, { body, headers: { 'content-type': type } })
      expect({ type, status }).toEqual({ type, status: 200 })
    }
  })

  test('compressed bodies are refused without being looked into', async () => {
    const body = gzipSync('{"content":"x"}')
    const bomb = gzipSync(Buffer.alloc(64 * MIB), { level: 9 })
    const encodings = ['gzip', 'GZIP', 'deflate', 'br', 'gzip, identity', 'zstd']
    await expectRefused([
      ...encodings.map((name): Case => [PROMPT, body, ['content-encoding'], { 'content-encoding': name }]),
      [PROMPT, bomb, ['content-encoding'], { 'content-encoding': 'gzip' }],
      [PROMPT, body, ['body']],
    ])
  })
})

describe('members', () => {
  test('a member that is there twice is refused by its path, however deep and however it is written', async () => {
    await expectRefused([
      [PROMPT, '{"content":"a","content":"b"}', ['content']],
      [PROMPT, '{"content":"a","conten\\u0074":"a"}', ['content']],
      [TOPIC, '{"config":{"a":{"b":1,"c":2,"b":1}}}', ['config.a.b']],
      [
        TOPIC,
        '{"allowed_parameters":[{"name":"a","type":"string","name":"b"}]}',
        ['allowed_parameters.0.name'],
      ],
      [
        CREATE,
        '{"topic_id":"a","prompts":{"system":"x","system":"y"},"topic_id":"b"}',
        ['prompts.system', 'topic_id'],
      ],
      [RENDER, '{"parameters":{"user_name":"a","user_name":"b"}}', ['parameters.user_name']],
      [BATCH, '{"topic_ids":["goals"],"topic_ids":["vision"]}', ['topic_ids']],
      [EARLY, '{"kpiId":"a","kpiId":"b"}', ['kpiId']],
      [PROMPT, '{"__proto__":1,"__proto__":2,"content":"x"}', ['__proto__']],
    ])
  })

  test('members that no object should have are unknown, wherever they stand', async () => {
    await expectRefused([
      [PROMPT, '{"content":"x","__proto__":{"a":1}}', ['__proto__']],
      [PROMPT, '{"content":"x","constructor":{"prototype":{}}}', ['constructor']],
      [PROMPT, '{"content":"x","toString":1}', ['toString']],
      [PROMPT, '{"__proto__":{"content":"x"}}', ['content', '__proto__']],
      [TOPIC, '{"config":{"__proto__":{"temperature":1}}}', ['config.__proto__']],
      [
        TOPIC,
        '{"allowed_parameters":[{"name":"a","type":"string","__proto__":{"required":true}}]}',
        ['allowed_parameters.0.__proto__'],
      ],
      [
        CREATE,
        '{"topic_id":"a","topic_name":"a","topic_type":"kpi_system","category":"kpi","prompts":{"__proto__":"x"}}',
        ['prompts.__proto__'],
      ],
      [RENDER, '{"parameters":{"user_name":"x","__proto__":"x"}}', ['parameters.__proto__']],
      [RENDER, '{"parameters":{"user_name":"x","constructor":"x"}}', ['parameters.constructor']],
      [BATCH, '{"topic_ids":["goals"],"__proto__":[]}', ['__proto__']],
      [EARLY, '{"kpiId":"a","systemId":"b","displayName":"c","__proto__":{}}', ['__proto__']],
      [EARLY, '{"kpiId":"a","systemId":"b","displayName":"c","constructor":{}}', ['constructor']],
      [
        EARLY,
        '{"kpiId":"a","systemId":"b","displayName":"c","modelConfig":{"__proto__":{}}}',
        ['modelConfig.__proto__'],
      ],
    ])
  })
})
