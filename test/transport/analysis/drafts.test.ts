import { expect, test } from 'vitest'
import { startApi } from '../../helpers/api.ts'
import { connect } from '../../helpers/clients.ts'
import { runCommand } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { MODEL_SERVERS } from '../../helpers/models.ts'

const ANSWER = 'Good to see you, Ada.'
const INPUT = {
  prompts: { system: 'CANARY-TEXT for {{user_name}}' },
  parameters: { user_name: 'CANARY-VALUE' },
  message: 'CANARY-TEXT',
}

const DATA = { message: { role: 'assistant', content: ANSWER } }

async function setUp() {
  const model = await (MODEL_SERVERS['OpenAI-compatible'] as (typeof MODEL_SERVERS)[string])()
  model.always({ answer: ANSWER, size: 5 })
  return { PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_LOG_LEVEL: 'debug', ...model.settings }
}

test('a draft is run over REST, streamed, and told to no log', async () => {
  const { url, token, stop, stderr } = await startApi(await setUp())
  const answer = await fetch(`${url}/api/v1/admin/prompts/core_values/run`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify(INPUT),
  })
  expect(answer.headers.get('ratelimit')).toMatch(/^"analysis"/)
  const events = [...(await answer.text()).matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(
    ([, event, data = '']) => ({ event, data: JSON.parse(data) }),
  )
  const deltas = events.filter(({ event }) => event === 'delta')
  expect(deltas.length).toBeGreaterThan(1)
  expect(deltas.map(({ data }) => data.text).join('')).toBe(ANSWER)
  expect(events.at(-1)).toMatchObject({
    event: 'result',
    data: { data: DATA, meta: { model: 'test-model' } },
  })
  await stop()
  expect(stderr()).toContain('"event":"prompts.run"')
  expect(stderr()).not.toMatch(/canary/i)
})

test('a draft is run by a tool and by a command', async () => {
  const settings = await setUp()
  const client = await connect({ settings }, '2026-07-28')
  const input = { topic_id: 'core_values', ...INPUT }
  const { structuredContent } = await client.callTool({ name: 'run_draft', arguments: input })
  expect(structuredContent).toMatchObject({ data: DATA })
  const words = ['prompts', 'run', 'core_values', '--prompts', JSON.stringify(INPUT.prompts)]
  const more = ['--param', 'user_name=Ada', '--message', 'Hello', '--json']
  const { stdout } = await runCommand([...words, ...more], settings)
  expect(JSON.parse(stdout)).toMatchObject({ data: DATA })
})
