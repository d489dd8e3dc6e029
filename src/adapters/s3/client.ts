import { S3Client } from '@aws-sdk/client-s3'
import { clientSettings } from '../aws/calls.ts'

/** @param forcePathStyle for S3-compatible servers that know no host name for each bucket. */
export function s3Client(forcePathStyle: boolean): S3Client {
  // S3-compatible servers do not all know the newer checksums; the record's SHA-256 is checked by us.
  return new S3Client({
    ...clientSettings,
    forcePathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}
