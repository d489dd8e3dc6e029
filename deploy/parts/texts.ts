import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { KEPT_DAYS, RULE_ID, UPLOAD_DAYS } from '../../src/deployment/aws/provision/kept-versions.ts'
import { acknowledge } from './acknowledge.ts'

/** The bucket of the texts, as `provision` makes it. */
export function textsBucket(scope: Construct, id: string, bucketName: string): Bucket {
  const bucket = new Bucket(scope, id, {
    bucketName,
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [
      {
        id: RULE_ID,
        noncurrentVersionExpiration: Duration.days(KEPT_DAYS),
        abortIncompleteMultipartUploadAfter: Duration.days(UPLOAD_DAYS),
      },
    ],
    removalPolicy: RemovalPolicy.RETAIN,
  })
  acknowledge(bucket, {
    'AwsSolutions-S1': 'The audit log has every change with its author, and every version of a text is kept.',
  })
  return bucket
}
