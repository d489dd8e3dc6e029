import { expect, it } from 'vitest'
import { deploymentOf } from '../../deploy/parts/deployment.ts'

const certificateArn = 'arn:aws:acm:eu-central-1:111122223333:certificate/one'

it('a setting of the program is given by its name', () => {
  const { environment, config, stage } = deploymentOf({ STAGE: 'prod', PROMPTS_BUCKET: 'texts-of-example' })
  expect(environment).toMatchObject({
    STAGE: 'prod',
    PROMPTS_STORE: 'aws',
    PROMPTS_BUCKET: 'texts-of-example',
  })
  expect(config.aws).toMatchObject({ table: 'purposepath-llm-prompts-prod', bucket: 'texts-of-example' })
  expect(stage).toBe('prod')
})

it('a Web Function whose address is not known yet starts, and refuses every host', () => {
  expect(deploymentOf({}).environment).toMatchObject({ STAGE: 'dev', PROMPTS_ALLOWED_HOSTS: 'localhost' })
  const known = deploymentOf({ PROMPTS_PUBLIC_URL: 'https://prompts.example.com' })
  expect(known.environment).not.toHaveProperty('PROMPTS_ALLOWED_HOSTS')
})

it.each([
  [{ kind: 'container' }, "The context's kind is wrong: expected web-function or fargate, not container."],
  [{ kind: 'fargate' }, "The context's certificateArn is missing"],
  [{ kind: 'fargate', certificateArn }, "The context's PROMPTS_PUBLIC_URL is missing"],
  [{ PROMPTS_FRESHNES_MS: '1' }, "The context's PROMPTS_FRESHNES_MS is no setting of the program."],
  [{ PROMPTS_FRESHNESS_MS: 'soon' }, 'PROMPTS_FRESHNESS_MS is wrong'],
  [
    { PROMPTS_LLM_API_KEY: 'sk-1' },
    "The context's PROMPTS_LLM_API_KEY is a secret, which a template must not hold",
  ],
  [{ previousRevision: 'r', percent: '100' }, "The context's percent is wrong"],
  [{ percent: '10' }, "The context's previousRevision is missing"],
])('the context %j is refused', (context, message) => {
  expect(() => deploymentOf(context)).toThrow(message)
})
