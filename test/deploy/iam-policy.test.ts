import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dynamoConversations } from '../../src/adapters/dynamodb/conversations.ts'
import { systemClock } from '../../src/domain/time.ts'
import { proxiedParts } from '../helpers/aws-proxies.ts'
import { ANNA, answer, DAY_MS, newConversation, takeTurn } from '../helpers/conversations.ts'
import { actionsOf, type Need, needsOf, recorder } from '../helpers/iam-actions.ts'
import { PACKAGE_ROOT, runProgram, startServer } from '../helpers/program.ts'
import { type AwsParts, describeWithAws, freshNames } from '../stand-ins/aws.ts'

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
  }
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
  test('allow all that provision needs', async () => {
    const stage = await recordedStage(parts)
    await stage.run('provision')
    await stage.run('provision')
    const needs = stage.needs()
    expect(needs.length).toBeGreaterThan(20)
    expect(missing(statementsOf('iam-policy-provision.json'), needs)).toEqual([])
  })

  test('allow together all that doctor looks at', async () => {
    const stage = await recordedStage(parts)
    for (const words of [['provision'], ['seed'], ['doctor']]) await stage.run(...words)
    const needs = stage.needs()
    expect(needs.map(({ action }) => action)).toContain('s3:GetObjectVersion')
    expect(missing(FILES.flatMap(statementsOf), needs)).toEqual([])
  })
})

describeWithAws('the policy of a server', (parts) => {
  test('allows all that operations, a running server, sign-in links and conversations need', async () => {
    const stage = await recordedStage(parts)
    await stage.run('provision')
    const key = await stage.run('keys', 'create', '--name', 'test')
    stage.needs()
    await stage.run('seed')
    const user = ['goals', 'user']
    for (const content of ['one {{user_name}}', 'two'])
      await stage.run('prompts', 'update', ...user, '--content', content)
    const [{ version_id }] = JSON.parse(await stage.run('prompts', 'history', ...user, '--json')).data
    await stage.run('prompts', 'restore', ...user, '--version-id', version_id)
    await stage.run('prompts', 'delete', ...user)
    await stage.run('topics', 'delete', 'goals')
    const server = await startServer(stage.settings)
    const link = await stage.run('login')
    const { search } = new URL(link)
    expect((await fetch(`${server.url}/admin/sign-in${search}`, { redirect: 'manual' })).status).toBe(303)
    const wrong = await fetch(`${server.url}/api/v1/prompts`, { headers: { 'x-api-key': 'wrong' } })
    expect(wrong.status).toBe(401)
    const right = await fetch(`${server.url}/api/v1/prompts/vision`, { headers: { 'x-api-key': key } })
    expect(right.status).toBe(200)
    await server.stop('SIGTERM')
    const start = newConversation(Date.now() - 5 * DAY_MS)
    await stage.conversations.create(start)
    const turn = { turn: 1, ms: Date.now() }
    const { lease } = await takeTurn(stage.conversations, ANNA, start.conversation_id, turn)
    await stage.conversations.finishTurn(ANNA, start.conversation_id, lease, answer(Date.now()))
    for (const verb of ['list', 'export', 'erase'])
      await stage.run('conversations', verb, '--sub', ANNA.sub, '--tenant', ANNA.tenant)
    const needs = stage.needs()
    expect(new Set(needs.map(({ action }) => action)).size).toBeGreaterThan(10)
    expect(missing(statementsOf('iam-policy.json'), needs)).toEqual([])
  })
})

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
