import {
  CreateBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { resourcesOf } from '../../../src/adapters/aws/resources.ts'
import { bucketProperties } from '../../../src/deployment/aws/provision/bucket.ts'
import { applyProperties, type Step } from '../../../src/deployment/aws/provision/properties.ts'
import { clientsFor, proxiedParts } from '../../helpers/aws-proxies.ts'
import { failureOf } from '../../helpers/errors.ts'
import { recorder } from '../../helpers/iam-actions.ts'
import { expectComplete, provisionAll, wordsOf } from '../../helpers/provisioning.ts'
import { describeWithAws, freshNames } from '../../stand-ins/aws.ts'
import { errorAnswer, type Fault, LOST } from '../../stand-ins/faults.ts'

describeWithAws('provisioning the bucket', (parts) => {
  test('adds what a bucket lacks, and keeps rules of others', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    const bucket = { Bucket: names.bucket }
    const theirs = { ID: 'theirs', Status: 'Enabled' as const, Expiration: { Days: 3 } }
    await clients.s3.send(new CreateBucketCommand(bucket))
    await clients.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        ...bucket,
        LifecycleConfiguration: { Rules: [{ ...theirs, Filter: { Prefix: 'tmp/' } }] },
      }),
    )
    const steps = wordsOf(await provisionAll(clients, names))
    expect(steps.filter((step) => step.includes(' bucket'))).toEqual([
      'already there bucket',
      'completed bucket: versioning',
      'completed bucket: lifecycle rule',
      'completed bucket: public access block except BlockPublicAcls',
      'not supported bucket: TLS-only policy',
    ])
    await expectComplete(clients, names)
    const { Rules } = await clients.s3.send(new GetBucketLifecycleConfigurationCommand(bucket))
    expect(Rules).toContainEqual({ ...theirs, Filter: { Prefix: 'tmp/' } })
    expect(Rules).toHaveLength(2)
  })

  test('mends its own rule when somebody has changed it', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    const bucket = { Bucket: names.bucket }
    await provisionAll(clients, names)
    const { Rules = [] } = await clients.s3.send(new GetBucketLifecycleConfigurationCommand(bucket))
    const changed = Rules.map((rule) => ({ ...rule, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }))
    await clients.s3.send(
      new PutBucketLifecycleConfigurationCommand({ ...bucket, LifecycleConfiguration: { Rules: changed } }),
    )
    expect(wordsOf(await provisionAll(clients, names))).toContain('completed bucket: lifecycle rule')
    await expectComplete(clients, names)
  })

  test('on AWS demands TLS, keeps statements of others, and blocks public ACLs too', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    const bucket = { Bucket: names.bucket }
    const theirs = {
      Sid: 'Theirs',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:DeleteBucket',
      Resource: `arn:aws:s3:::${names.bucket}`,
    }
    await clients.s3.send(new CreateBucketCommand(bucket))
    await clients.s3.send(
      new PutBucketPolicyCommand({
        ...bucket,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: theirs }),
      }),
    )
    const complete = async () => {
      const steps: Step[] = []
      const place = resourcesOf(names).bucket
      const target = { ...bucket, ExpectedBucketOwner: undefined }
      const like = { partition: 'aws', endpoint: { isEncrypted: true, isAws: true } }
      const parts = bucketProperties(clients.s3, target, place, like)
      await applyProperties(place.resource, parts, false, (step) => steps.push(step))
      return steps.map(({ part, outcome }) => `${part}: ${outcome}`)
    }
    const policy = async () => {
      const { Policy = '' } = await clients.s3.send(new GetBucketPolicyCommand(bucket))
      return JSON.parse(Policy)
    }
    expect(await complete()).toContain('TLS-only policy: completed')
    const first = await policy()
    expect(first.Statement).toEqual([
      theirs,
      {
        Sid: expect.any(String),
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${names.bucket}`, `arn:aws:s3:::${names.bucket}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ])
    expect(await clients.s3.send(new GetPublicAccessBlockCommand(bucket))).toMatchObject({
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
    })
    expect(await complete()).toEqual([
      'versioning: already there',
      'lifecycle rule: already there',
      'public access block: already there',
      'TLS-only policy: already there',
    ])
    expect(await policy()).toEqual(first)

    // One that only looks like it does not count.
    const narrow = { ...first.Statement[1], Sid: 'Narrow', Action: 's3:PutObject' }
    const Policy = JSON.stringify({ ...first, Statement: [theirs, narrow] })
    await clients.s3.send(new PutBucketPolicyCommand({ ...bucket, Policy }))
    expect(await complete()).toContain('TLS-only policy: completed')
    expect((await policy()).Statement).toEqual([theirs, narrow, first.Statement[1]])
  })

  test('a bucket of another account names PROMPTS_BUCKET as the way out', async () => {
    const proxied = await proxiedParts(parts)
    const names = freshNames()
    proxied.s3.inject(answering(409, 'BucketAlreadyExists'), { op: /^PUT/, times: Infinity })
    const taken = await failureOf(() => provisionAll(proxied.clients, names))
    proxied.s3.reset()
    proxied.s3.inject(answering(403, 'Forbidden'), { op: /^HEAD/, times: Infinity })
    const closed = await failureOf(() => provisionAll(proxied.clients, names))
    for (const { code, operatorMessage } of [taken, closed]) {
      expect(code).toBe('conflict')
      for (const part of [names.bucket, 'belongs to another AWS account', 'PROMPTS_BUCKET']) {
        expect(operatorMessage).toContain(part)
      }
    }
  })

  test.each([301, 400])('a bucket in another region (%s) is told with its region', async (status) => {
    const { clients, s3 } = await proxiedParts(parts)
    const headers = { 'x-amz-bucket-region': 'eu-central-1' }
    s3.inject(answering(status, 'PermanentRedirect', headers), { op: /^HEAD/, times: Infinity })
    const { code, operatorMessage } = await failureOf(() => provisionAll(clients, freshNames()))
    expect(code).toBe('conflict')
    for (const part of ['eu-central-1', 'AWS_REGION', 'PROMPTS_BUCKET'])
      expect(operatorMessage).toContain(part)
  })

  test('every call on the bucket names the account that the table is in', async () => {
    const { clients, dynamodb, s3 } = await proxiedParts(parts)
    const names = freshNames()
    const { requests, fault } = recorder()
    s3.inject(fault, { times: Infinity })
    dynamodb.inject(inAccount('123456789012'), { times: Infinity })
    await provisionAll(clients, names)
    const owned = requests.filter(({ method, path }) => method !== 'PUT' || path.includes('?'))
    expect(owned.length).toBeGreaterThan(6)
    for (const { headers } of owned) expect(headers['x-amz-expected-bucket-owner']).toBe('123456789012')
  })

  test.each([
    ['us-east-1', undefined],
    ['eu-west-1', 'eu-west-1'],
  ])('in %s the bucket is asked for in the place %s', async (region, place) => {
    const { s3 } = await proxiedParts(parts)
    const names = freshNames()
    const { requests, fault } = recorder()
    s3.inject(fault, { times: Infinity })
    const run = provisionAll(clientsFor({ ...parts, region, s3: s3.endpoint }), names)
    if (place === undefined) await run
    // The server of the tests has no such place.
    else expect((await failureOf(() => run)).operatorMessage).toMatch(/knows no region eu-west-1.*AWS_REGION/)
    const create = requests.find(({ method, path }) => method === 'PUT' && !path.includes('?'))
    expect(/<LocationConstraint>(.*)<\/LocationConstraint>/.exec(String(create?.body))?.[1]).toBe(place)
  })
})

function answering(status: number, code: string, headers: Record<string, string> = {}): Fault {
  return {
    name: code,
    async act(asked) {
      const answer = errorAnswer(asked, status, code, 'no')
      return { ...answer, headers: { ...answer.headers, ...headers } }
    },
  }
}

/** Puts an account into ARNs, where DynamoDB Local says none. */
function inAccount(id: string): Fault {
  return {
    name: 'inAccount',
    async act(asked, respond) {
      const answer = await respond(asked)
      if (answer === LOST) return LOST
      return { ...answer, body: Buffer.from(answer.body.toString().replaceAll(':000000000000:', `:${id}:`)) }
    },
  }
}
