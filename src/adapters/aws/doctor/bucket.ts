import { GetObjectCommand, HeadObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { accountOf } from '../account.ts'
import { causeOf } from '../calls.ts'
import { bucketParts } from '../provision/bucket.ts'
import { type BucketTarget, headBucket } from '../provision/bucket-access.ts'
import { type AwsClients, callsOn, type Resource, type ResourceNames, resourcesOf } from '../resources.ts'
import { type Check, capital, checkParts, fail, ok, PROVISION } from './checks.ts'

const FOLDER = 'prompts/'
/** A key that no text has. */
const NOBODY = `${FOLDER}#doctor`

export async function checkBucket({ dynamodb, s3 }: AwsClients, names: ResourceNames): Promise<Check[]> {
  const place = resourcesOf(names).bucket
  const name = capital(place.resource)
  // Without its table the account is unknown; that the table is missing is told elsewhere.
  const { partition, id } = await accountOf(dynamodb, names.table)().catch(() => ({
    partition: 'aws',
    id: undefined,
  }))
  const target = { Bucket: names.bucket, ExpectedBucketOwner: id }
  const { isThere, region, endpoint } = await headBucket(s3, target, place)
  if (!isThere) {
    return [fail(`${name} does not exist. ${PROVISION}, or check ${place.setting} and STAGE.`)]
  }
  const here = await s3.config.region()
  if (region !== undefined && region !== here) {
    const text = `${name} is in the region ${region}. Set AWS_REGION to it, or choose another name with ${place.setting}.`
    return [fail(text)]
  }
  const tried = await tryObjects(s3, target, place)
  const parts = bucketParts(s3, target, place, { partition, endpoint })
  return [
    ok(`${name} is there; its objects can be ${tried} (writing is not tried)`),
    ...(await checkParts(place.resource, parts)),
  ]
}

/** @throws AppError for the first permission that is missing. */
async function tryObjects(s3: AwsClients['s3'], target: BucketTarget, place: Resource): Promise<string> {
  const call = callsOn({ ...place, resource: `objects of ${place.resource}` })
  const list = new ListObjectVersionsCommand({ ...target, Prefix: FOLDER, MaxKeys: 1 })
  const { Versions: [version] = [] } = await callsOn(place)('s3:ListBucketVersions', (options) =>
    s3.send(list, options),
  )
  const get = new GetObjectCommand({ ...target, Key: NOBODY })
  await call('s3:GetObject', (options) => s3.send(get, options)).catch((error: unknown) => {
    // S3 says so only to those who may read.
    if (causeOf(error) !== 'NoSuchKey') throw error
  })
  if (!version) return 'listed and read'
  const { Key, VersionId } = version
  const head = new HeadObjectCommand({ ...target, Key, VersionId })
  await call('s3:GetObjectVersion', (options) => s3.send(head, options))
  return 'listed and read, earlier versions too'
}
