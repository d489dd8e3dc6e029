import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dynamoConversations } from '../../src/adapters/dynamodb/conversations.ts'
import { systemClock } from '../../src/util/time.ts'
import { api, dataOf } from '../helpers/api.ts'
import { proxiedParts } from '../helpers/aws-proxies.ts'
import { ANNA, answer, DAY_MS, newConversation, takeTurn } from '../helpers/conversations.ts'
import { actionsOf, type Need, needsOf, recorder } from '../helpers/iam-actions.ts'
import { PACKAGE_ROOT, runProgram, startServer } from '../helpers/program.ts'
import { type AwsParts, describeWithAws, freshNames } from '../stand-ins/aws.ts'
import { startOpenAi } from '../stand-ins/openai.ts'

interface Statement {
  Sid: string
  Effect: string
  Action: string[]
  Resource: string | string[]
}

const FILES = ['iam-policy.json', 'iam-policy-provision.json']

function statementsOf(file: string): Statement[] {
  const policy = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'deploy', file), 'utf8'))
  expect(policy.Version).toBe('2012-10-17')
  return policy.Statement
}

const resourcesIn = ({ Resource }: Statement) => [Resource].flat()

/** Whether a pattern of a policy covers a resource. Our needs carry the question marks of secrets themselves. */
function covers(pattern: string, resource: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${escaped}$`).test(resource)
}

/** Those of the permissions that no statement gives. */
function missing(statements: readonly Statement[], needs: readonly Need[]): Need[] {
  return needs.filter(
    ({ action, resource }) =>
      !statements.some(
        (statement) =>
          statement.Action.includes(action) &&
          resourcesIn(statement).some((pattern) => covers(pattern, resource)),
      ),
  )
}

type RecordedStage = Awaited<ReturnType<typeof recordedStage>>

/** A stage with the names that follow from it, and what has been needed on it since it was asked the last time. */
async function recordedStage(parts: AwsParts) {
  const proxied = await proxiedParts(parts)
  const names = freshNames()
  const { requests, fault } = recorder()
  for (const proxy of proxied.proxies) proxy.inject(fault, { times: Infinity })
  const settings = {
    ...proxied.environment(names),
    PROMPTS_TABLE: undefined,
    PROMPTS_LIMITS_TABLE: undefined,
    PROMPTS_CONVERSATIONS_TABLE: undefined,
    PROMPTS_BUCKET: undefined,
    PROMPTS_API_KEY_SECRET: undefined,
    PROMPTS_JWT_SECRET_NAME: undefined,
    PROMPTS_SETTINGS_SECRET: `purposepath-settings-${names.stage}`,
  }
  const Name = settings.PROMPTS_SETTINGS_SECRET
  const SecretString = '{"PROMPTS_LLM_API_KEY": "sk-of-the-secret"}'
  await proxied.clients.secrets.send(new CreateSecretCommand({ Name, SecretString }))
  requests.length = 0
  return {
    settings,
    conversations: dynamoConversations(
      proxied.clients.dynamodb,
      `purposepath-conversations-${names.stage}`,
      systemClock,
    ),
    needs: () => requests.splice(0).flatMap((asked) => needsOf(asked, names.stage)),
    async run(...words: string[]) {
      const { code, stdout, stderr } = await runProgram(words, settings)
      expect({ code, stderr }).toMatchObject({ code: 0 })
      return stdout.trim()
    },
  }
}

describe.each(FILES)('%s', (file) => {
  test('gives single actions on resources of one stage', () => {
    const statements = statementsOf(file)
    expect(statements.length).toBeGreaterThan(3)
    for (const statement of statements) {
      expect(statement).toMatchObject({ Effect: 'Allow', Sid: expect.stringMatching(/^[A-Za-z0-9]+$/) })
      for (const action of statement.Action)
        expect(action).toMatch(/^(dynamodb|s3|secretsmanager|bedrock):[A-Za-z]+$/)
      // Models are AWS's, and topics may name any of them.
      if (statement.Sid === 'Models') continue
      for (const resource of resourcesIn(statement)) {
        expect(resource).toMatch(/^arn:aws:[^*]+-\$\{Stage\}(-\?{6}|\/prompts\/\*|\/index\/[a-z-]+)?$/)
      }
    }
  })
})

test('a server reads and writes, and makes, changes and removes no resource', () => {
  const actions = statementsOf('iam-policy.json').flatMap(({ Action }) => Action)
  expect(actions.join()).not.toMatch(/Create|DeleteTable|DeleteBucket|UpdateTable|PutBucket|PutSecret/)
})

describeWithAws('the policies', (parts) => {
  // One stage for all: each step needs what the one before has made.
  test('allow all that provision, doctor and a server need', async () => {
    const stage = await recordedStage(parts)
    for (const words of [['provision'], ['provision']]) await stage.run(...words)
    expectAllowed(stage.needs(), ['iam-policy-provision.json'], 15)

    const key = await stage.run('keys', 'create', '--name', 'test')
    stage.needs()
    await stage.run('seed')
    await useServer(stage, key)
    await useConversations(stage)
    expectAllowed(stage.needs(), ['iam-policy.json'], 10)

    await stage.run('doctor')
    const needs = stage.needs()
    expect(needs.map(({ action }) => action)).toContain('s3:GetObjectVersion')
    expectAllowed(needs, FILES, 10)
  }, 240_000)
})

/** @param least so many actions were needed, or too little was tried. */
function expectAllowed(needs: readonly Need[], files: readonly string[], least: number): void {
  expect(new Set(needs.map(({ action }) => action)).size).toBeGreaterThanOrEqual(least)
  expect({ files, missing: missing(files.flatMap(statementsOf), needs) }).toEqual({ files, missing: [] })
}

/** Does with a running server what changes and reads topics, signs in and asks a model by a key among its settings. */
async function useServer(stage: RecordedStage, key: string): Promise<void> {
  const model = await startOpenAi({ key: 'sk-of-the-secret' })
  onTestFinished(() => model.stop())
  const settings = {
    ...stage.settings,
    PROMPTS_LLM: 'openai',
    PROMPTS_LLM_BASE_URL: model.baseUrl,
    PROMPTS_LLM_MODEL: 'test-model',
  }
  const server = await startServer(settings)
  const token = await stage.run('token')
  const admin = async (line: string, body?: object) =>
    dataOf<Record<string, string>[]>(await api(server, line, { token, ...(body && { body }) }))
  for (const content of ['one {{user_name}}', 'two'])
    await admin('PUT /admin/prompts/goals/user', { content })
  const [, earlier] = await admin('GET /admin/prompts/goals/user/history')
  await admin('POST /admin/prompts/goals/user/restore', { version_id: earlier?.['version_id'] })
  await admin('DELETE /admin/prompts/goals/user')
  await admin('DELETE /admin/prompts/goals')
  const { search } = new URL(await stage.run('login'))
  expect((await fetch(`${server.url}/admin/sign-in${search}`, { redirect: 'manual' })).status).toBe(303)
  expect((await api(server, 'GET /prompts', { key: 'wrong' })).status).toBe(401)
  expect((await api(server, 'GET /prompts/vision', { key })).status).toBe(200)
  const body = { kpi_value: 1, threshold: 2, time_period: 'Q4' }
  expect((await api(server, 'POST /prompts/revenue_salesforce/analyze', { key, body })).status).toBe(200)
  expect(model.chats.at(-1)?.headers.authorization).toBe('Bearer sk-of-the-secret')
  await server.stop('SIGTERM')
}

async function useConversations({ conversations, run }: RecordedStage): Promise<void> {
  const start = newConversation(Date.now() - 5 * DAY_MS)
  await conversations.create(start)
  const { lease } = await takeTurn(conversations, ANNA, start.conversation_id, { turn: 1, ms: Date.now() })
  await conversations.finishTurn(ANNA, start.conversation_id, lease, answer(Date.now()))
  for (const verb of ['list', 'export', 'erase'])
    await run('conversations', verb, '--sub', ANNA.sub, '--tenant', ANNA.tenant)
}

test('requests are told apart as AWS does', () => {
  const s3 = (method: string, path: string) => ({ op: '', method, path, headers: {}, body: Buffer.alloc(0) })
  const dynamodb = (op: string, input: object) => ({
    ...s3('POST', '/'),
    op,
    headers: { 'x-amz-target': `DynamoDB_20120810.${op}` },
    body: Buffer.from(JSON.stringify(input)),
  })
  const change = { TableName: 't' }
  expect(
    actionsOf([
      dynamodb('TransactWriteItems', { TransactItems: [{ Update: change }, { ConditionCheck: change }] }),
      s3('GET', '/b/prompts/a.md?versionId=1&x-id=GetObject'),
      s3('HEAD', '/b/prompts/a.md'),
      s3('HEAD', '/b/'),
      s3('GET', '/b?list-type=2&prefix=prompts%2F'),
      s3('GET', '/b?versions&prefix=prompts%2F'),
    ]),
  ).toEqual([
    'dynamodb:ConditionCheckItem',
    'dynamodb:UpdateItem',
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListBucketVersions',
  ])
})
