import { expect, test } from 'vitest'
import { awsSecretSettings } from '../../../src/adapters/secrets-manager/secret-settings.ts'
import { failureOf } from '../../helpers/errors.ts'
import { collectWarnings, openSecret } from './secret.ts'

const NAME = 'purposepath-settings-test'
const BOTH = { PROMPTS_LLM_API_KEY: 'CANARY-1', PROMPTS_OIDC_CLIENT_SECRET: 'CANARY-2' }

async function opened(initial?: object | string) {
  const secret = await openSecret(initial, NAME)
  const time = { now: Date.parse('2026-03-01T00:00:00Z') }
  const { told, warn } = collectWarnings()
  const outages = { staleIfErrorMs: 600_000, warn }
  const find = awsSecretSettings(secret.client, NAME, () => new Date(time.now), outages)
  return { secret, time, find, warnings: told }
}

test('a value is found by the name of its setting, without the line break of an editor', async () => {
  const { find } = await opened({ ...BOTH, PROMPTS_LLM_API_KEY: 'CANARY-1\n' })
  expect(await find('PROMPTS_LLM_API_KEY')).toBe('CANARY-1')
  expect(await find('PROMPTS_OIDC_CLIENT_SECRET')).toBe('CANARY-2')
})

test('nothing is read before it is needed, and a value that is not there is none', async () => {
  const { secret, find } = await opened({ PROMPTS_LLM_API_KEY: 'CANARY-1' })
  expect(secret.count('GetSecretValue')).toBe(0)
  expect(await find('PROMPTS_OIDC_CLIENT_SECRET')).toBeUndefined()
})

test('another value counts within 30 seconds, and the last one in an outage', async () => {
  const { secret, time, find } = await opened(BOTH)
  await find('PROMPTS_LLM_API_KEY')
  await secret.put({ PROMPTS_LLM_API_KEY: 'CANARY-3' })
  time.now += 30_000
  expect(await find('PROMPTS_LLM_API_KEY')).toBe('CANARY-3')
  await secret.server.stop()
  time.now += 30_000
  expect(await find('PROMPTS_LLM_API_KEY')).toBe('CANARY-3')
})

test.each([
  ['not there', undefined, 'does not exist or has no value'],
  ['a text', 'CANARY', 'is not well-formed'],
  ['a list', '["CANARY"]', 'is not well-formed'],
  ['a number', { PROMPTS_LLM_API_KEY: 7 }, 'PROMPTS_LLM_API_KEY: expected'],
  ['empty', { PROMPTS_LLM_API_KEY: '' }, 'PROMPTS_LLM_API_KEY: expected'],
  ['of another name', { ...BOTH, PROMPTS_LLM_KEY: 'CANARY' }, 'PROMPTS_LLM_KEY: expected no such field'],
])('one that is %s is unavailable, and the operator learns why', async (_, value, why) => {
  const { find, warnings } = await opened(value)
  const error = await failureOf(() => find('PROMPTS_LLM_API_KEY'))
  expect(error).toMatchObject({ code: 'unavailable', message: 'A secret of this server cannot be read now.' })
  expect(error.operatorMessage).toContain(`secret ${NAME}`)
  expect(error.operatorMessage).toContain(why)
  expect(error.operatorMessage).toContain('PROMPTS_SETTINGS_SECRET')
  expect(`${error.operatorMessage} ${warnings}`).not.toContain('CANARY')
})
