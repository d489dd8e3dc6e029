import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { proxiedParts } from '../helpers/aws-proxies.ts'
import { actionsOf, type Need, needsOf, recorder } from '../helpers/iam-actions.ts'
import { PACKAGE_ROOT, runProgram } from '../helpers/program.ts'
import { type AwsParts, describeWithAws, freshNames } from '../services/aws.ts'

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

/** Runs commands of the program, with the names that follow from the stage, and answers what they needed. */
async function needsOfRuns(parts: AwsParts, ...runs: string[][]): Promise<Need[]> {
  const proxied = await proxiedParts(parts)
  const names = freshNames()
  const { requests, fault } = recorder()
  for (const proxy of proxied.proxies) proxy.inject(fault, { times: Infinity })
  const settings = {
    ...proxied.environment(names),
    PROMPTS_TABLE: undefined,
    PROMPTS_LIMITS_TABLE: undefined,
    PROMPTS_BUCKET: undefined,
    PROMPTS_API_KEY_SECRET: undefined,
    PROMPTS_JWT_SECRET_NAME: undefined,
  }
  for (const words of runs) {
    expect(await runProgram(words, settings)).toMatchObject({ code: 0 })
  }
  return requests.flatMap((asked) => needsOf(asked, names.stage))
}

describe.each(FILES)('%s', (file) => {
  test('gives single actions on resources of one stage', () => {
    const statements = statementsOf(file)
    expect(statements.length).toBeGreaterThan(3)
    for (const statement of statements) {
      expect(statement).toMatchObject({ Effect: 'Allow', Sid: expect.stringMatching(/^[A-Za-z0-9]+$/) })
      for (const action of statement.Action)
        expect(action).toMatch(/^(dynamodb|s3|secretsmanager):[A-Za-z]+$/)
      for (const resource of resourcesIn(statement)) {
        expect(resource).toMatch(/^arn:aws:[^*]+-\$\{Stage\}(-\?{6}|\/prompts\/\*)?$/)
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
    const needs = await needsOfRuns(parts, ['provision'], ['provision'])
    expect(needs.length).toBeGreaterThan(20)
    expect(missing(statementsOf('iam-policy-provision.json'), needs)).toEqual([])
  })

  test('allow together all that doctor looks at', async () => {
    const needs = await needsOfRuns(parts, ['provision'], ['seed'], ['doctor'])
    expect(needs.map(({ action }) => action)).toContain('s3:GetObjectVersion')
    expect(missing(FILES.flatMap(statementsOf), needs)).toEqual([])
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
