import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { fails, says } from '../stand-ins/openai-replies.ts'

const PARAMETERS = JSON.stringify({ kpi_value: 95000, threshold: 100000, time_period: 'Q4 2025' })
const COMMAND = ['prompts', 'analyze', 'revenue_salesforce', '--parameters', PARAMETERS]
const LOADING = fails(503, { code: 503, message: 'Loading model', type: 'unavailable_error' })
const ANSWER = '{"analysis":"Fine.","recommendations":[],"severity":"info"}'

async function setUp(timeoutMs: number) {
  const server = await startOpenAi()
  onTestFinished(() => server.stop())
  const settings = {
    PROMPTS_DATA_DIR: await tempFolder(),
    PROMPTS_LLM: 'openai',
    PROMPTS_LLM_BASE_URL: server.baseUrl,
    PROMPTS_LLM_MODEL: 'test-model',
    PROMPTS_LLM_TIMEOUT_MS: String(timeoutMs),
  }
  return { server, settings }
}

const waits = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('Waiting'))

test('a person at the command line is told once what is waited for, and gets the answer', async () => {
  const { server, settings } = await setUp(30_000)
  server.script(LOADING, LOADING, LOADING, LOADING, says(ANSWER))
  const { code, stdout, stderr } = await runCommand(COMMAND, settings, { isTerminal: true })
  expect(code).toBe(0)
  expect(stdout).toContain('Fine.')
  expect(waits(stderr)).toEqual([
    expect.stringMatching(/^Waiting up to 30 seconds for the model\. The model is still being loaded\..*503/),
  ])
})

test('a server that is down is waited for as long as there is time', async () => {
  const { server, settings } = await setUp(5_000)
  await server.stop()
  const startedAt = performance.now()
  const { code, stderr } = await runCommand(COMMAND, settings, { isTerminal: true })
  expect(code).toBe(1)
  expect(performance.now() - startedAt).toBeGreaterThan(700)
  expect(waits(stderr)).toEqual([expect.stringMatching(/ECONNREFUSED.*PROMPTS_LLM_BASE_URL/)])
})

test('a program that reads stderr gets the failure alone', async () => {
  const { server, settings } = await setUp(2_000)
  await server.stop()
  const { code, stderr } = await runCommand([...COMMAND, '--json'], settings)
  expect(code).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({ code: 'model_error' })
})
