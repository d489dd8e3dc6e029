import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { Account } from '../../../adapters/aws/account.ts'
import {
  type AwsClients,
  type Resource,
  type ResourceNames,
  resourcesOf,
} from '../../../adapters/aws/resources.ts'
import { type Check, fail, ok } from '../../check.ts'
import { type BucketTarget, bucketProperties, headBucket } from '../provision/bucket.ts'
import { capital, checkProperties, PROVISION, probeOn } from './checks.ts'

/** Where texts are; nothing else of the bucket is ours. */
export const FOLDER = 'prompts/'
/** How S3 calls the version of an object that was written while its bucket kept none. */
const NO_VERSION = 'null'
/** A key that no text can have. */
const PROBE_KEY = `${FOLDER}#doctor`

export async function checkBucket(
  { s3 }: AwsClients,
  names: ResourceNames,
  { partition, id }: Account,
): Promise<Check[]> {
  const awsResource = resourcesOf(names).bucket
  const name = capital(awsResource.resource)
  const target = { Bucket: names.bucket, ExpectedBucketOwner: id }
  const { exists, region, endpoint } = await headBucket(s3, target, awsResource)
  if (!exists) {
    return [fail(`${name} does not exist. ${PROVISION}, or check ${awsResource.setting} and STAGE.`)]
  }
  const here = await s3.config.region()
  if (region !== undefined && region !== here) {
    const text = `${name} is in the region ${region}. Set AWS_REGION to it, or choose another name with ${awsResource.setting}.`
    return [fail(text)]
  }
  const { failures, withVersions } = await probeObjects(s3, target, awsResource)
  if (failures.length > 0) return failures
  const properties = bucketProperties(s3, target, awsResource, { partition, endpoint })
  return [
    ok(`${name} is there; its objects can be listed, read and written${withVersions}`),
    ...(await checkProperties(awsResource.resource, properties)),
  ]
}

/** Tries all that is done with texts; in the end everything is as it was. */
async function probeObjects(s3: AwsClients['s3'], target: BucketTarget, awsResource: Resource) {
  const failures: Check[] = []
  const onBucket = probeOn(awsResource, failures)
  const onObjects = probeOn({ ...awsResource, resource: `objects of ${awsResource.resource}` }, failures)
  const one = { ...target, Key: PROBE_KEY }

  const list = new ListObjectVersionsCommand({ ...target, Prefix: FOLDER, MaxKeys: 1 })
  const listed = await onBucket('s3:ListBucketVersions', (options) => s3.send(list, options))
  const versioning = new GetBucketVersioningCommand(target)
  const state = await onBucket('s3:GetBucketVersioning', (options) => s3.send(versioning, options))
  const get = new GetObjectCommand(one)
  // S3 says that there is none only to those who may read.
  await onObjects('s3:GetObject', (options) => s3.send(get, options), 'NoSuchKey')
  const put = new PutObjectCommand({ ...one, Body: 'A trial of "purposepath-prompts doctor".' })
  const written = await onObjects('s3:PutObject', (options) => s3.send(put, options))

  // Not every server names the version that it writes while versioning is suspended.
  const ownVersion = written?.VersionId ?? (state?.Status && NO_VERSION)
  const ours = written && ownVersion !== undefined ? { Key: PROBE_KEY, VersionId: ownVersion } : {}
  const { Key, VersionId }: { Key?: string; VersionId?: string } = listed?.Versions?.[0] ?? ours
  if (Key !== undefined) {
    const head = new HeadObjectCommand({ ...target, Key, VersionId })
    await onObjects('s3:GetObjectVersion', (options) => s3.send(head, options))
  }
  if (written) {
    // A version that is named goes for good; otherwise a bucket that keeps versions would only hide it.
    const remove = new DeleteObjectCommand({ ...one, VersionId: ownVersion })
    const action = ownVersion === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
    await onObjects(action, (options) => s3.send(remove, options))
  }
  return { failures, withVersions: Key === undefined ? '' : ', earlier versions too' }
}
