import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { causeOf } from '../../../adapters/aws/calls.ts'
import { type Call, callsOn, type Resource } from '../../../adapters/aws/resources.ts'
import { AppError } from '../../../domain/errors.ts'
import { statusOf } from './properties.ts'

/** What the calls go to. */
export interface Endpoint {
  /** With TLS. */
  isEncrypted: boolean
  /** Otherwise a server that speaks S3's protocol. */
  isAws: boolean
}

export interface BucketHead {
  isThere: boolean
  /** Where it is, if the server says so. */
  region: string | undefined
  endpoint: Endpoint
}

/** A bucket: its name, and the account that it must belong to where that is known. */
export interface BucketTarget {
  Bucket: string
  ExpectedBucketOwner: string | undefined
}

/** What the parts of a bucket are made with. */
export interface BucketAccess {
  s3: S3Client
  target: BucketTarget
  call: Call
}

/** What a call answers; nothing, when its failure has the name by which S3 says that there is nothing. */
export async function orNothing<T>(name: string, answer: Promise<T>): Promise<Partial<T>> {
  try {
    return await answer
  } catch (error) {
    if (causeOf(error) === name) return {}
    throw error
  }
}

/**
 * Whether the bucket is there and may be used.
 *
 * @throws AppError `conflict` when it may not: S3 answers the same when it belongs to somebody else.
 */
export async function headBucket(s3: S3Client, target: BucketTarget, place: Resource): Promise<BucketHead> {
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
    const { BucketRegion } = await callsOn(place)('s3:ListBucket', (options) => s3.send(command, options))
    return { isThere: true, region: BucketRegion, endpoint }
  } catch (error) {
    const status = statusOf(error)
    if (status === 404) return { isThere: false, region: undefined, endpoint }
    if (status === 403) {
      const message = `${place.resource} belongs to somebody else, or s3:ListBucket on it is missing in the IAM policy. Bucket names are shared by all of AWS: choose another one with ${place.setting}, or add s3:ListBucket.`
      throw new AppError('conflict', message, { cause: error })
    }
    // With a wrong region S3 cannot verify the signature: 400, with the right one in a header.
    const region = regionOf(error)
    if (status === 301 || (status === 400 && region !== undefined)) {
      const where = region ?? 'another region'
      const message = `${place.resource} is in ${where}. Set AWS_REGION to that, or choose another name with ${place.setting}.`
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
