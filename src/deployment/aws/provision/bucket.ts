import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { causeOf, WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { AppError } from '../../../domain/errors.ts'
import {
  type BucketAccess,
  type BucketTarget,
  type Endpoint,
  headBucket,
  orNothing,
} from './bucket-access.ts'
import { lifecyclePart } from './bucket-lifecycle.ts'
import { policyPart } from './bucket-policy.ts'
import { ensure, type Part } from './properties.ts'

/**
 * Makes the bucket if there is none.
 *
 * @throws AppError `conflict` when its name belongs to somebody else.
 */
export async function createBucket(
  s3: S3Client,
  target: BucketTarget,
  place: Resource,
): Promise<{ isNew: boolean; endpoint: Endpoint }> {
  let endpoint: Endpoint = { isEncrypted: true, isAws: true }
  const look = async () => {
    const head = await headBucket(s3, target, place)
    endpoint = head.endpoint
    return head.isThere
  }
  const isNew = await ensure(look, () => create(s3, target.Bucket, place))
  return { isNew, endpoint }
}

async function create(s3: S3Client, Bucket: string, place: Resource): Promise<void> {
  // The SDK names the client's region as the place, except the oldest one, which must not be named.
  const command = new CreateBucketCommand({ Bucket })
  try {
    await callsOn(place)('s3:CreateBucket', (options) => s3.send(command, options), WRITE_BUDGET_MS)
  } catch (error) {
    const message = await refusalOf(error, s3, place)
    throw message === undefined ? error : new AppError('conflict', message, { cause: error })
  }
}

/** What it means that a bucket may not be made; `undefined` for other failures. */
async function refusalOf(error: unknown, s3: S3Client, { resource, setting }: Resource) {
  const cause = causeOf(error)
  if (cause === 'BucketAlreadyExists') {
    return `${resource} belongs to somebody else: bucket names are shared by all of AWS. Choose another one with ${setting}.`
  }
  if (cause === 'InvalidLocationConstraint') {
    const region = await s3.config.region()
    return `${resource} cannot be made: the server knows no region ${region}. Set AWS_REGION to one that it knows; with us-east-1 it chooses.`
  }
  return undefined
}

export function bucketParts(
  s3: S3Client,
  target: BucketTarget,
  place: Resource,
  { partition, endpoint }: { partition: string; endpoint: Endpoint },
): Part[] {
  const access = { s3, target, call: callsOn(place) }
  return [
    versioningPart(access),
    lifecyclePart(access),
    publicAccessPart(access, endpoint),
    policyPart(access, partition, endpoint),
  ]
}

function versioningPart({ s3, target, call }: BucketAccess): Part {
  const look = new GetBucketVersioningCommand(target)
  const switchOn = new PutBucketVersioningCommand({
    ...target,
    VersioningConfiguration: { Status: 'Enabled' },
  })
  const action = 's3:GetBucketVersioning'
  return {
    name: 'versioning',
    action,
    isThere: async () => (await call(action, (options) => s3.send(look, options))).Status === 'Enabled',
    complete: () => call('s3:PutBucketVersioning', (options) => s3.send(switchOn, options), WRITE_BUDGET_MS),
  }
}

const BLOCKED = { IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true }

/**
 * Ceph takes `BlockPublicAcls` for a ban on writing any object at all. Without it public ACLs can be set and have no
 * effect, because they are ignored.
 */
function publicAccessPart({ s3, target, call }: BucketAccess, { isAws }: Endpoint): Part {
  const wanted = isAws ? { ...BLOCKED, BlockPublicAcls: true } : BLOCKED
  const look = new GetPublicAccessBlockCommand(target)
  const block = new PutPublicAccessBlockCommand({ ...target, PublicAccessBlockConfiguration: wanted })
  const action = 's3:GetBucketPublicAccessBlock'
  return {
    name: isAws ? 'public access block' : 'public access block except BlockPublicAcls',
    action,
    async isThere() {
      const { PublicAccessBlockConfiguration: found } = await orNothing(
        'NoSuchPublicAccessBlockConfiguration',
        call(action, (options) => s3.send(look, options)),
      )
      return Object.keys(wanted).every((name) => found?.[name as keyof typeof BLOCKED] === true)
    },
    complete: () =>
      call('s3:PutBucketPublicAccessBlock', (options) => s3.send(block, options), WRITE_BUDGET_MS),
  }
}
