import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { clientSettings } from '../aws/calls.ts'

/** @param settings instead of what the SDK finds by itself; `forcePathStyle` for S3-compatible servers. */
export function s3Client(settings: S3ClientConfig = {}): S3Client {
  return new S3Client({
    ...clientSettings,
    // S3-compatible servers do not all know the newer checksums; the record's SHA-256 is checked by us.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...settings,
  })
}
