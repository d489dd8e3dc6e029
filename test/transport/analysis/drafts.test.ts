import { expect, test } from 'vitest'
import { tokenOf } from '../../helpers/api.ts'
import { connect } from '../../helpers/clients.ts'
import { runCommand } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { MODEL_SERVERS } from '../../helpers/models.ts'
import { startServer } from '../../helpers/program.ts'

const ANSWER = 'Good to see you, Ada.'
const INPUT = {
  prompts: { system: 'CANARY-TEXT for {{user_name}}' },
  parameters: { user_name: 'CANARY-VALUE' },
  message: 'CANARY-TEXT',
}

test('a draft is run on every surface, streamed, and told to no log', async () => {
  const model = await (MODEL_SERVERS['OpenAI-compatible'] as (typeof MODEL_SERVERS)[string])()
  model.always({ answer: ANSWER, size: 5 })
  const settings = { PROMPTS_DATA_DIR: await tempFolder(), PROMPTS_LOG_LEVEL: 'debug', ...model.settings }
  const server = await startServer(settings)
  const headers = {
    authorization: `Bearer ${await tokenOf(settings)}`,
    'content-type': 'application/json',
    accept: 'text/event-stream',
  }
  const answer = await fetch(`${server.url}/api/v1/admin/prompts/core_values/run`, {
    method: 'POST',
    headers,
    body: JSON.stringify(INPUT),
  })
  expect(answer.headers.get('ratelimit')).toMatch(/^"analysis"/)
  const events = [...(await answer.text()).matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(
    ([, event, data = '']) => ({ event, data: JSON.parse(data) }),
  )
  const deltas = events.filter(({ event }) => event === 'delta')
  expect(deltas.length).toBeGreaterThan(1)
  expect(deltas.map(({ data }) => data.text).join('')).toBe(ANSWER)
  const data = { message: { role: 'assistant', content: ANSWER } }
  expect(events.at(-1)).toMatchObject({ event: 'result', data: { data, meta: { model: 'test-model' } } })

  const client = await connect({ settings }, '2026-07-28')
  const input = { topic_id: 'core_values', ...INPUT }
  const { structuredContent } = await client.callTool({ name: 'run_draft', arguments: input })
  expect(structuredContent).toMatchObject({ data })

  const words = ['prompts', 'run', 'core_values', '--prompts', JSON.stringify(INPUT.prompts)]
  const more = ['--param', 'user_name=Ada', '--message', 'Hello', '--json']
  const { stdout } = await runCommand([...words, ...more], settings)
  expect(JSON.parse(stdout)).toMatchObject({ data })

  await server.stop()
  expect(server.stderr()).toContain('"event":"prompts.run"')
  expect(server.stderr()).not.toMatch(/canary/i)
})
