import { expect } from 'vitest'
import { type ApiServer, dataOf, kpiTopic, startApi } from './api.ts'
import type { Environment } from './program.ts'

// What must never be logged and never come back in an error: prompt texts, parameter values, secrets.
export const TEXT = 'CANARY-TEXT'
export const VALUE = 'CANARY-VALUE'
export const SECRET = 'CANARY-SECRET'
// What must never be logged, since anything may be in it; errors may name it.
export const NAME = 'CANARY-NAME'

/** Lines of a log that hold any canary, however it is written. */
export const logLeaks = (printed: string) => printed.split('\n').filter((line) => /canary/i.test(line))

/** Problem documents that tell what they must not, apart from the text that a conflict tells by contract. */
export function errorLeaks(problems: readonly string[]): string[] {
  return problems
    .map((text) => JSON.stringify({ ...(JSON.parse(text) as object), current: undefined }))
    .filter((text) => /canary-(text|value|secret)/i.test(text))
}

/** A server that logs all it can and has a topic `secretive` with a canary in its text. */
export async function startWithCanaries(settings: Environment = {}): Promise<ApiServer> {
  const server = await startApi({ PROMPTS_LOG_LEVEL: 'debug', ...settings })
  const allowed_parameters = [
    { name: 'word', type: 'string', required: true },
    { name: 'count', type: 'number' },
  ]
  const body = kpiTopic('secretive', { allowed_parameters, prompts: { system: `${TEXT} {{word}}` } })
  dataOf(await server.admin('POST /admin/prompts', { body }))
  return server
}

/** Ends a server and expects no canary and none of `secrets` in what it printed since its greeting. */
export async function expectSilence(server: ApiServer, greeting: string, secrets: string[]): Promise<void> {
  await server.stop()
  expect(server.stdout()).toBe(greeting)
  expect(server.stderr()).toContain('"kind":"audit"')
  expect(logLeaks(server.stderr())).toEqual([])
  for (const secret of secrets) {
    const told = server.stderr().includes(secret.slice(-24))
    expect({ told, length: secret.length > 24 }).toEqual({ told: false, length: true })
  }
}
