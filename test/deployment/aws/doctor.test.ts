import {
  CreateTableCommand,
  DeleteTableCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager'
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { expect, test } from 'vitest'
import type { AwsClients } from '../../../src/adapters/aws/resources.ts'
import { checkAws } from '../../../src/deployment/aws/doctor/doctor.ts'
import type { Check } from '../../../src/deployment/check.ts'
import { proxiedParts } from '../../helpers/aws-proxies.ts'
import { actionsOf, denyingNth } from '../../helpers/iam-actions.ts'
import { waitFor } from '../../helpers/program.ts'
import { provisionAll } from '../../helpers/provisioning.ts'
import { type AwsNames, type AwsParts, describeWithAws, freshNames } from '../../stand-ins/aws.ts'
import { accessDenied } from '../../stand-ins/faults.ts'

/** What the real parts never have. */
const ALWAYS = [
  /prompts-\w+ has no point-in-time recovery: this endpoint/,
  /-conversations has no point-in-time recovery: this endpoint/,
  /no TLS-only policy: the endpoint/,
]

async function provisioned(parts: AwsParts) {
  const proxied = await proxiedParts(parts)
  const names = freshNames()
  await provisionAll(proxied.clients, names)
  for (const proxy of proxied.proxies) proxy.reset()
  return { ...proxied, names }
}

/** Everything that is not as it should be. */
const oddities = (checks: readonly Check[]) =>
  checks
    .filter(({ level }) => level !== 'ok')
    .filter(({ text }) => !ALWAYS.some((known) => known.test(text)))
    .map(({ level, text }) => `${level} ${text}`)

/** Everything in the tables and in the bucket, hidden versions too. */
async function contentsOf({ dynamodb, s3 }: AwsClients, names: AwsNames): Promise<unknown[]> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(
    new ListObjectVersionsCommand({ Bucket: names.bucket }),
  )
  const tables = [names.table, names.limitsTable, names.conversationsTable].map(async (TableName) => {
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }))
    return Items
  })
  return [...Versions, ...DeleteMarkers, ...(await Promise.all(tables)).flat()]
}

describeWithAws('doctor', (parts) => {
  test('finds nothing amiss after provisioning, and changes nothing', async () => {
    const { clients, names, writes } = await provisioned(parts)
    const checks = await checkAws(clients, names)
    expect(oddities(checks)).toEqual([])
    const tried = writes()
    expect(checks.filter(({ level }) => level === 'note')).toHaveLength(ALWAYS.length)
    const good = checks.filter(({ level }) => level === 'ok').map(({ text }) => text)
    const { stage: _, ...resources } = names
    for (const name of Object.values(resources)) {
      expect(good.join('\n')).toContain(name)
    }
    expect(tried.sort()).toEqual([
      'DeleteItem',
      'DeleteItem',
      'DeleteObject',
      'PutItem',
      'PutItem',
      'PutItem',
      'PutObject',
      'UpdateItem',
      'UpdateItem',
      'UpdateItem',
    ])
    expect(await contentsOf(clients, names)).toEqual([])
  })

  test('says of everything that is missing how to make it', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    const failures = oddities(await checkAws(clients, names))
    expect(failures).toHaveLength(6)
    const settings = [
      'PROMPTS_TABLE',
      'PROMPTS_LIMITS_TABLE',
      'PROMPTS_CONVERSATIONS_TABLE',
      'PROMPTS_BUCKET',
      'PROMPTS_API_KEY_SECRET',
      'PROMPTS_JWT_SECRET_NAME',
    ]
    for (const [index, setting] of settings.entries()) {
      expect(failures[index]).toMatch(/^fail .*purposepath-prompts provision/)
      expect(failures[index]).toContain(setting)
    }
  })

  test('notes what is switched off', async () => {
    const { clients, names } = await provisioned(parts)
    const { dynamodb, s3 } = clients
    const bucket = { Bucket: names.bucket }
    await dynamodb.send(new UpdateTableCommand({ TableName: names.table, DeletionProtectionEnabled: false }))
    await dynamodb.send(
      new UpdateTableCommand({
        TableName: names.table,
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'category-index' } }],
      }),
    )
    await dynamodb.send(
      new UpdateTimeToLiveCommand({
        TableName: names.limitsTable,
        TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: false },
      }),
    )
    await dynamodb.send(
      new UpdateTableCommand({
        TableName: names.conversationsTable,
        DeletionProtectionEnabled: false,
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'owner-index' } }],
      }),
    )
    await s3.send(
      new PutBucketVersioningCommand({ ...bucket, VersioningConfiguration: { Status: 'Suspended' } }),
    )
    await s3.send(new DeleteBucketLifecycleCommand(bucket))
    await s3.send(new DeletePublicAccessBlockCommand(bucket))
    // DynamoDB Local takes a moment to delete an index, and cannot be written to meanwhile.
    let notes: string[] = []
    await waitFor(async () => {
      notes = oddities(await checkAws(clients, names))
      return notes.length === 8 && notes.every((line) => line.startsWith('note'))
    })
    for (const [index, missing] of [
      'index category-index',
      'deletion protection',
      'expiry by expires_at',
      'index owner-index',
      'deletion protection',
      'versioning',
      'lifecycle rule',
      'public access block except BlockPublicAcls',
    ].entries()) {
      expect(notes[index]).toMatch(/^note .*Run "purposepath-prompts provision"\.$/)
      expect(notes[index]).toContain(` has no ${missing}.`)
    }
    // Also where the bucket keeps no versions any more.
    expect(await contentsOf(clients, names)).toEqual([])
  })

  test('leaves nothing in a bucket that never kept versions', async () => {
    const { clients, names } = await provisioned(parts)
    const bare = { ...names, bucket: `${names.bucket}-bare` }
    await clients.s3.send(new CreateBucketCommand({ Bucket: bare.bucket }))
    const checks = await checkAws(clients, bare)
    expect(checks.filter(({ level }) => level === 'fail')).toEqual([])
    expect(checks.map(({ text }) => text).join('\n')).toContain('can be listed, read and written\n')
    expect(await contentsOf(clients, bare)).toEqual([])
  })

  test('a table of another program and a bucket that is gone fail', async () => {
    const { clients, names } = await provisioned(parts)
    const foreign = { ...names, table: `${names.table}-foreign` }
    await clients.dynamodb.send(
      new CreateTableCommand({
        TableName: foreign.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    )
    await clients.dynamodb.send(new DeleteTableCommand({ TableName: names.limitsTable }))
    await clients.s3.send(new DeleteBucketCommand({ Bucket: names.bucket }))
    const failures = oddities(await checkAws(clients, foreign))
    expect(failures).toHaveLength(3)
    expect(failures[0]).toMatch(/^fail .*pk \(S\).*PROMPTS_TABLE/)
    expect(failures[1]).toMatch(/^fail .*-limits does not exist/)
    expect(failures[2]).toMatch(/^fail .*PROMPTS_BUCKET/)
  })

  test.each([
    ['not JSON at all', 'no JSON object'],
    ['{"api_key": ""}', 'api_key is no text'],
    ['{"api_key": "my-hidden-key", "keys": {}}', 'keys is no list'],
    ['{"api_key": "my-hidden-key", "keys": [{"name": "a"}]}', 'keys.0'],
  ])('API keys of the form %s fail, without saying them', async (SecretString, fault) => {
    const { clients, names } = await provisioned(parts)
    await clients.secrets.send(new PutSecretValueCommand({ SecretId: names.apiKeySecret, SecretString }))
    const [failure = '', ...others] = oddities(await checkAws(clients, names))
    expect(others).toEqual([])
    expect(failure).toMatch(/^fail Secret .*not well-formed/)
    expect(failure).toContain(fault)
    expect(failure).not.toContain('my-hidden-key')
    expect(failure).not.toContain('not JSON at all')
  })

  test.each([
    ['{"key": "a-secret-that-is-long-enough-to-be-one"}', 'fail'],
    ['{"secret": 7}', 'fail'],
    ['too-short', 'fail'],
    ['{"secret": "too-short"}', 'fail'],
    ['{"secret": ""}', 'fail'],
    ['31-bytes-are-one-less-than-least', undefined],
    ['31-bytes-are-one-less-than-leas', 'fail'],
    ['{"secret": "a-secret-that-is-long-enough-to-be-one"}', undefined],
    ['a-secret-that-is-long-enough-to-be-one', undefined],
    ['a-secret-that-is-long-enough-to-be-one\n', 'note'],
  ] as const)('a JWT secret of the form %s: %s', async (SecretString, level) => {
    const { clients, names } = await provisioned(parts)
    await clients.secrets.send(new PutSecretValueCommand({ SecretId: names.jwtSecret, SecretString }))
    const found = oddities(await checkAws(clients, names))
    expect(found.map((line) => line.slice(0, 4))).toEqual(level === undefined ? [] : [level])
    expect(found.join()).not.toMatch(/too-short|long-enough/)
  })

  test('a byte-order mark before API keys is no fault', async () => {
    const { clients, names } = await provisioned(parts)
    const SecretString = '\uFEFF{"api_key": "my-hidden-key"}'
    await clients.secrets.send(new PutSecretValueCommand({ SecretId: names.apiKeySecret, SecretString }))
    expect(oddities(await checkAws(clients, names))).toEqual([])
  })

  test('a secret without a value, and one that is about to be deleted, fail', async () => {
    const { clients, names } = await provisioned(parts)
    const empty = { ...names, apiKeySecret: `${names.apiKeySecret}-empty` }
    await clients.secrets.send(new CreateSecretCommand({ Name: empty.apiKeySecret }))
    await clients.secrets.send(new DeleteSecretCommand({ SecretId: names.jwtSecret }))
    const failures = oddities(await checkAws(clients, empty))
    expect(failures).toHaveLength(2)
    expect(failures[0]).toMatch(/^fail .* has no value/)
    expect(failures[1]).toMatch(/^fail .*restore-secret/)
  })

  test('of each call that is not permitted it names the action to add', async () => {
    const { clients, names, proxies } = await provisioned(parts)
    for (let nth = 1; ; nth++) {
      const denied = denyingNth(nth)
      for (const proxy of proxies) {
        proxy.reset()
        proxy.inject(denied, { times: Infinity })
      }
      const checks = await checkAws(clients, names)
      const [asked] = denied.asked
      if (!asked) {
        expect(nth).toBeGreaterThan(15)
        break
      }
      const [action = ''] = actionsOf([asked])
      // The account is only looked at for the bucket's owner: who may not, has another failure of the same kind.
      const isQuiet = asked.op === 'DescribeTable' && oddities(checks).length === 0
      expect(isQuiet || oddities(checks).some((line) => line.includes(action)), `${nth} ${action}`).toBe(true)
    }
  })

  test('all that one policy lacks is told at once, and nothing stays', async () => {
    const { clients, names, dynamodb, s3 } = await provisioned(parts)
    dynamodb.inject(accessDenied(), { op: /^(Put|Update|Delete)Item$/, times: Infinity })
    s3.inject(accessDenied(), { op: /^PutObject$/, times: Infinity })
    const failures = oddities(await checkAws(clients, names))
    for (const proxy of [dynamodb, s3]) proxy.reset()
    const added = failures.map((line) => /^fail .*Add (\S+ on .*) to the IAM policy/.exec(line)?.[1])
    expect(added.sort()).toEqual(
      [
        `dynamodb:PutItem on table ${names.table}`,
        `dynamodb:UpdateItem on table ${names.table}`,
        `dynamodb:DeleteItem on table ${names.limitsTable}`,
        `dynamodb:PutItem on table ${names.limitsTable}`,
        `dynamodb:UpdateItem on table ${names.limitsTable}`,
        `dynamodb:DeleteItem on table ${names.conversationsTable}`,
        `dynamodb:PutItem on table ${names.conversationsTable}`,
        `dynamodb:UpdateItem on table ${names.conversationsTable}`,
        `s3:PutObject on objects of bucket ${names.bucket}`,
      ].sort(),
    )
    expect(await contentsOf(clients, names)).toEqual([])
  })

  test('prompts whose text is not the latest version of its object are noted, at most ten', async () => {
    const { clients, names } = await provisioned(parts)
    const { dynamodb, s3 } = clients
    const Bucket = names.bucket
    const put = async (Key: string) =>
      (await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))).VersionId
    const pin = async (topic_id: string) => {
      const s3_key = `prompts/${topic_id}/user.md`
      const info = { prompt_type: 'user', s3_bucket: Bucket, s3_key, s3_version_id: await put(s3_key) }
      const elsewhere = { ...info, prompt_type: 'other', s3_bucket: 'another-bucket' }
      const { s3_version_id: _, ...bare } = info
      const Item = { topic_id, prompts: [info, elsewhere, { ...bare, prompt_type: 'bare' }, null] }
      await dynamodb.send(new PutCommand({ TableName: names.table, Item }))
      return s3_key
    }
    await put('prompts/edited/user.md')
    await pin('edited')
    await dynamodb.send(
      new PutCommand({ TableName: names.table, Item: { topic_id: 'odd', prompts: 'none' } }),
    )
    await s3.send(new DeleteObjectCommand({ Bucket, Key: await pin('hidden') }))
    await put(await pin('uploaded'))
    const notes = oddities(await checkAws(clients, names)).sort()
    expect(notes).toHaveLength(2)
    expect(notes[0]).toMatch(/^note Prompt hidden\/user .*: a delete marker stands above it.*Remove /)
    expect(notes[1]).toMatch(/^note Prompt uploaded\/user .*: another version stands above it.*Remove /)

    for (let number = 0; number < 10; number++) {
      const Key = await pin(`more-${number}`)
      await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    }
    const many = oddities(await checkAws(clients, names))
    expect(many).toHaveLength(11)
    expect(many.at(-1)).toBe('note … and 2 more prompts like these')
  })

  test('without an endpoint it fails in as many lines as there are things to look at', async () => {
    const { clients, names, proxies } = await provisioned(parts)
    for (const proxy of proxies) proxy.outage()
    const begin = performance.now()
    const failures = oddities(await checkAws(clients, names))
    expect(failures.map((line) => line.slice(0, 4))).toEqual(Array(6).fill('fail'))
    expect(performance.now() - begin).toBeLessThan(8_000)
  })
})
