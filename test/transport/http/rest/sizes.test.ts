import { expect, test } from 'vitest'
import { dataOf, expectProblem, expectUnharmed, sharedApi } from '../../../helpers/api.ts'

const server = sharedApi()

const PROMPT = 'PUT /admin/prompts/goals/system'
const TOPIC = 'PUT /admin/prompts/goals'
const RENDER = 'POST /prompts/goals/render'
const BATCH = 'POST /prompts/batch'
const EARLY = 'POST /admin/kpi-system/templates'
const EVERY = [PROMPT, TOPIC, 'POST /admin/prompts', RENDER, BATCH, EARLY]
const MIB = 1024 * 1024

test('a body of 1 MiB is read, one byte more is too large', async () => {
  const padded = (size: number) => '{"content":"x"}'.padEnd(size)
  expect((await server.admin(PROMPT, { body: padded(MIB) })).status).toBe(200)
  for (const [line, size] of [
    [PROMPT, MIB + 1],
    [EARLY, 3 * MIB],
  ] as const) {
    expectProblem(await server.admin(line, { body: padded(size) }), 413, 'too_large')
  }
  await expectUnharmed(server)
})

test('a text of 51,200 bytes is stored, one more is too large', async () => {
  const content = 'é'.repeat(25_600)
  expect(dataOf(await server.admin(PROMPT, { body: { content } }))).toMatchObject({
    bytes: 51_200,
    content,
  })
  expectProblem(await server.admin(PROMPT, { body: { content: `${content}x` } }), 413, 'too_large')
})

test('a body of nothing but faults is not answered and logged at many times its size', async () => {
  const names = Array.from({ length: 80_000 }, (_, number) => `"k${number}":1`).join(',')
  for (const [line, body] of [
    [PROMPT, `{${'"a":1,'.repeat(170_000)}"a":1}`],
    [PROMPT, `{${names}}`],
    [RENDER, `{"parameters":{${names}}}`],
    [PROMPT, `{"content":"${'{{x}}'.repeat(10_000)}"}`],
  ] as const) {
    const logged = server.stderr().length
    const answer = await server.admin(line, { body })
    expectProblem(answer, 400, 'invalid_input')
    await expectUnharmed(server)
    const sizes = { answer: answer.text.length <= MIB, log: server.stderr().length - logged <= 64 * 1024 }
    expect({ line, body: body.slice(0, 40), ...sizes }).toEqual({
      line,
      body: body.slice(0, 40),
      answer: true,
      log: true,
    })
  }
})

test('repeats deep down in a body hold nobody up', async () => {
  const name = 'a'.repeat(80)
  const repeats = '"":1,'.repeat(200_000)
  const body = `${`{"${name}":`.repeat(50)}{${repeats}"":1}${'}'.repeat(50)}`
  const startedAt = Date.now()
  expectProblem(await server.service(RENDER, { body }), 400, 'invalid_input')
  expect(Date.now() - startedAt).toBeLessThan(1_000)
})

test('JSON nested 10,000 deep is refused wherever it stands', async () => {
  const arrays = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
  const objects = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
  for (const deep of [arrays, objects]) {
    for (const [line, body] of [
      ...EVERY.map((line) => [line, deep] as const),
      ...EVERY.map((line) => [line, `{"nonsense":${deep}}`] as const),
      [PROMPT, `{"content":${deep}}`],
      [TOPIC, `{"config":{"x":${deep}}}`],
      [RENDER, `{"parameters":{"user_name":${deep}}}`],
      [BATCH, `{"topic_ids":[${deep}]}`],
      [EARLY, `{"modelConfig":${deep}}`],
    ] as const) {
      const { status, json } = await server.admin(line, { body })
      expect({ line, body: body.slice(0, 40), status }).toEqual({
        line,
        body: body.slice(0, 40),
        status: expect.toSatisfy((one: number) => one === 400 || one === 413),
      })
      expect(['invalid_input', 'too_large']).toContain(json.code)
    }
  }
  await expectUnharmed(server)
})
