import {
  CreateBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { causeOf, WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { type Call, callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { AppError } from '../../../domain/errors.ts'
import { KEPT_DAYS, RULE_ID, UPLOAD_DAYS } from './kept-versions.ts'
import { ensure, NotApplicable, type Property, statusOf } from './properties.ts'

/** What the calls go to. */
export interface Endpoint {
  /** With TLS. */
  isEncrypted: boolean
  /** Otherwise a server that speaks S3's protocol. */
  isAws: boolean
}

interface BucketHead {
  exists: boolean
  /** Where it is, if the server says so. */
  region: string | undefined
  endpoint: Endpoint
}

/** A bucket: its name, and the account that it must belong to where that is known. */
export interface BucketTarget {
  Bucket: string
  ExpectedBucketOwner: string | undefined
}

/** What every property of a bucket needs. */
interface BucketAccess {
  s3: S3Client
  target: BucketTarget
  call: Call
}

/**
 * Makes the bucket if there is none.
 *
 * @throws AppError `conflict` when its name is taken by another account.
 */
export async function createBucket(
  s3: S3Client,
  target: BucketTarget,
  awsResource: Resource,
): Promise<{ isNew: boolean; endpoint: Endpoint }> {
  let endpoint: Endpoint = { isEncrypted: true, isAws: true }
  const look = async () => {
    const head = await headBucket(s3, target, awsResource)
    endpoint = head.endpoint
    return head.exists
  }
  const isNew = await ensure(look, () => create(s3, target.Bucket, awsResource))
  return { isNew, endpoint }
}

async function create(s3: S3Client, Bucket: string, awsResource: Resource): Promise<void> {
  // The SDK names the client's region as the location, except the oldest one, which must not be named.
  const command = new CreateBucketCommand({ Bucket })
  try {
    await callsOn(awsResource)('s3:CreateBucket', (options) => s3.send(command, options), WRITE_BUDGET_MS)
  } catch (error) {
    const message = await refusalOf(error, s3, awsResource)
    throw message === undefined ? error : new AppError('conflict', message, { cause: error })
  }
}

/** What it means that a bucket may not be made; `undefined` for other failures. */
async function refusalOf(error: unknown, s3: S3Client, { resource, setting }: Resource) {
  const cause = causeOf(error)
  if (cause === 'BucketAlreadyExists') {
    return `${resource} belongs to another AWS account: bucket names are shared by all of AWS. Choose another one with ${setting}.`
  }
  if (cause === 'InvalidLocationConstraint') {
    const region = await s3.config.region()
    return `${resource} cannot be made: the server knows no region ${region}. Set AWS_REGION to one that it knows; with us-east-1 it chooses.`
  }
  return undefined
}

/**
 * Whether the bucket is there and may be used.
 *
 * @throws AppError `conflict` when it may not: S3 answers the same when it belongs to another account.
 */
export async function headBucket(
  s3: S3Client,
  target: BucketTarget,
  awsResource: Resource,
): Promise<BucketHead> {
  const command = new HeadBucketCommand(target)
  let endpoint: Endpoint = { isEncrypted: true, isAws: true }
  command.middlewareStack.add(
    (next) => (args) => {
      endpoint = endpointOf(args.request as { protocol: string; hostname: string })
      return next(args)
    },
    // After the endpoint is known, and once more for each retry.
    { step: 'finalizeRequest' },
  )
  try {
    const { BucketRegion } = await callsOn(awsResource)('s3:ListBucket', (options) =>
      s3.send(command, options),
    )
    return { exists: true, region: BucketRegion, endpoint }
  } catch (error) {
    const status = statusOf(error)
    if (status === 404) return { exists: false, region: undefined, endpoint }
    if (status === 403) {
      const message = `${awsResource.resource} belongs to another AWS account, or s3:ListBucket on it is missing in the IAM policy. Bucket names are shared by all of AWS: choose another one with ${awsResource.setting}, or add s3:ListBucket.`
      throw new AppError('conflict', message, { cause: error })
    }
    // With a wrong region S3 cannot verify the signature: 400, with the right one in a header.
    const region = regionOf(error)
    if (status === 301 || (status === 400 && region !== undefined)) {
      const where = region ?? 'another region'
      const message = `${awsResource.resource} is in ${where}. Set AWS_REGION to that, or choose another name with ${awsResource.setting}.`
      throw new AppError('conflict', message, { cause: error })
    }
    throw error
  }
}

function endpointOf({ protocol, hostname }: { protocol: string; hostname: string }): Endpoint {
  return { isEncrypted: protocol === 'https:', isAws: /\.amazonaws\.com(\.cn)?$/.test(hostname) }
}

/** Where the bucket is, as an answer says that refuses the call. */
function regionOf(error: unknown): string | undefined {
  type Refusal = { $response?: { headers?: Record<string, string> } } | undefined
  const refusal = (error as AppError).cause as Refusal
  return refusal?.$response?.headers?.['x-amz-bucket-region']
}

export function bucketProperties(
  s3: S3Client,
  target: BucketTarget,
  awsResource: Resource,
  { partition, endpoint }: { partition: string; endpoint: Endpoint },
): Property[] {
  const access = { s3, target, call: callsOn(awsResource) }
  return [
    versioningProperty(access),
    lifecycleProperty(access),
    publicAccessProperty(access, endpoint),
    policyProperty(access, partition, endpoint),
  ]
}

function versioningProperty({ s3, target, call }: BucketAccess): Property {
  const look = new GetBucketVersioningCommand(target)
  const switchOn = new PutBucketVersioningCommand({
    ...target,
    VersioningConfiguration: { Status: 'Enabled' },
  })
  const action = 's3:GetBucketVersioning'
  return {
    name: 'versioning',
    action,
    exists: async () => (await call(action, (options) => s3.send(look, options))).Status === 'Enabled',
    apply: () => call('s3:PutBucketVersioning', (options) => s3.send(switchOn, options), WRITE_BUDGET_MS),
  }
}

const BLOCKED = { IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true }

/**
 * Ceph takes `BlockPublicAcls` for a ban on writing any object at all. Without it public ACLs can be set and have no
 * effect, because they are ignored.
 */
function publicAccessProperty({ s3, target, call }: BucketAccess, { isAws }: Endpoint): Property {
  const wanted = isAws ? { ...BLOCKED, BlockPublicAcls: true } : BLOCKED
  const look = new GetPublicAccessBlockCommand(target)
  const block = new PutPublicAccessBlockCommand({ ...target, PublicAccessBlockConfiguration: wanted })
  const action = 's3:GetBucketPublicAccessBlock'
  return {
    name: isAws ? 'public access block' : 'public access block except BlockPublicAcls',
    action,
    async exists() {
      const { PublicAccessBlockConfiguration: found } = await orNothing(
        'NoSuchPublicAccessBlockConfiguration',
        call(action, (options) => s3.send(look, options)),
      )
      return Object.keys(wanted).every((name) => found?.[name as keyof typeof BLOCKED] === true)
    },
    apply: () => call('s3:PutBucketPublicAccessBlock', (options) => s3.send(block, options), WRITE_BUDGET_MS),
  }
}

const LIFECYCLE_RULE: LifecycleRule = {
  ID: RULE_ID,
  Status: 'Enabled',
  Filter: { Prefix: '' },
  NoncurrentVersionExpiration: { NoncurrentDays: KEPT_DAYS },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: UPLOAD_DAYS },
}

/** Earlier versions expire after a year, incomplete uploads after a week. Other rules stay. */
function lifecycleProperty({ s3, target, call }: BucketAccess): Property {
  const look = new GetBucketLifecycleConfigurationCommand(target)
  const action = 's3:GetLifecycleConfiguration'
  const read = () =>
    orNothing(
      'NoSuchLifecycleConfiguration',
      call(action, (options) => s3.send(look, options)),
    )

  return {
    name: 'lifecycle rule',
    action,
    exists: async () => ((await read()).Rules ?? []).some(isOwnRule),
    async apply() {
      const { Rules = [], TransitionDefaultMinimumObjectSize } = await read()
      const others = Rules.filter(({ ID }) => ID !== RULE_ID).map(withFilter)
      const put = new PutBucketLifecycleConfigurationCommand({
        ...target,
        LifecycleConfiguration: { Rules: [...others, LIFECYCLE_RULE] },
        // S3 would set what is left out back to its default.
        TransitionDefaultMinimumObjectSize,
      })
      await call('s3:PutLifecycleConfiguration', (options) => s3.send(put, options), WRITE_BUDGET_MS)
    },
  }
}

function isOwnRule({ ID, Status, ...rule }: LifecycleRule): boolean {
  return (
    ID === RULE_ID &&
    Status === 'Enabled' &&
    rule.NoncurrentVersionExpiration?.NoncurrentDays === KEPT_DAYS &&
    rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation === UPLOAD_DAYS
  )
}

/** The same rule in today's form: S3 refuses a configuration that has rules of both forms. */
function withFilter({ Prefix, ...rule }: LifecycleRule): LifecycleRule {
  return Prefix === undefined ? rule : { ...rule, Filter: { Prefix } }
}

type Statement = Record<string, unknown>
interface Policy {
  Version?: string
  Id?: string
  Statement?: Statement | Statement[]
}

const STATEMENT_ID = 'PurposepathPromptsTlsOnly'

/** The bucket refuses calls without TLS. Other statements of its policy stay. */
function policyProperty(
  { s3, target, call }: BucketAccess,
  partition: string,
  { isEncrypted }: Endpoint,
): Property {
  const bucket = `arn:${partition}:s3:::${target.Bucket}`
  const look = new GetBucketPolicyCommand(target)
  const action = 's3:GetBucketPolicy'

  async function read(): Promise<Policy> {
    const answer = call(action, (options) => s3.send(look, options))
    const { Policy: text } = await orNothing('NoSuchBucketPolicy', answer)
    return text ? (JSON.parse(text) as Policy) : {}
  }

  return {
    name: 'TLS-only policy',
    action,
    async exists() {
      if (!isEncrypted)
        throw new NotApplicable('the endpoint has no TLS, and the rule would lock everyone out')
      return listOf((await read()).Statement).some((statement) => demandsTls(statement, bucket))
    },
    async apply() {
      const policy = await read()
      const others = listOf(policy.Statement).filter(({ Sid }) => Sid !== STATEMENT_ID)
      const merged = { Version: '2012-10-17', ...policy, Statement: [...others, statementFor(bucket)] }
      const put = new PutBucketPolicyCommand({ ...target, Policy: JSON.stringify(merged) })
      await call('s3:PutBucketPolicy', (options) => s3.send(put, options), WRITE_BUDGET_MS)
    },
  }
}

function statementFor(bucket: string): Statement {
  return {
    Sid: STATEMENT_ID,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [bucket, `${bucket}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
}

/** Whether a statement, also one of another author, refuses all calls without TLS. */
function demandsTls(statement: Statement, bucket: string): boolean {
  const { Effect, Principal, Action, Resource, Condition } = statement
  const isEveryone = JSON.stringify(Principal) === '{"AWS":"*"}' || Principal === '*'
  const isEverything = listOf(Action).some((action) => action === 's3:*' || action === '*')
  const resources = listOf(Resource)
  const isAll = resources.includes('*') || [bucket, `${bucket}/*`].every((one) => resources.includes(one))
  return Effect === 'Deny' && isEveryone && isEverything && isAll && isWithoutTls(Condition)
}

/** A statement with further conditions refuses fewer calls. */
function isWithoutTls(condition: unknown): boolean {
  return /^\{"Bool":\{"aws:SecureTransport":\[?"?false"?\]?\}\}$/i.test(JSON.stringify(condition ?? {}))
}

function listOf<T>(one: T | T[] | undefined): T[] {
  return one === undefined ? [] : Array.isArray(one) ? one : [one]
}

/** What a call answers; an empty object for the failure by which S3 says that there is no such configuration. */
async function orNothing<T>(name: string, answer: Promise<T>): Promise<Partial<T>> {
  try {
    return await answer
  } catch (error) {
    if (causeOf(error) === name) return {}
    throw error
  }
}
