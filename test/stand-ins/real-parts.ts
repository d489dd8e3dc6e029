import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { startDynamoDb } from './dynamodb.ts'
import { type Credentials, startS3 } from './s3.ts'

/** The one user of the real parts. DynamoDB Local takes an access key of letters and digits only. */
export const CREDENTIALS: Credentials = { accessKeyId: 'PROMPTSTESTS', secretAccessKey: 'tests-only' }

export interface RealParts {
  /** Endpoints. */
  dynamodb: string
  s3: string
  stop(): Promise<void>
}

/** Starts those parts of AWS of which there is a server that works as AWS does: DynamoDB and S3. */
export async function startRealParts(): Promise<RealParts> {
  const started = await Promise.allSettled([startDynamoDb(), startS3(CREDENTIALS)])
  const stop = async () => {
    await Promise.all(started.map((part) => part.status === 'fulfilled' && part.value.stop()))
  }
  const [dynamodb, s3] = started
  if (dynamodb.status === 'fulfilled' && s3.status === 'fulfilled') {
    return { dynamodb: dynamodb.value.endpoint, s3: s3.value.endpoint, stop }
  }
  await stop()
  throw started.find((part) => part.status === 'rejected')?.reason
}

const NEEDED = ['java', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool']

/** What this machine lacks and how to get it; nothing, if all is there. */
export function missingForRealParts(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const missing = NEEDED.filter((program) => !folders.some((folder) => isProgram(join(folder, program))))
  if (missing.length === 0) return undefined
  return `needs ${missing.join(', ')}: apt-get install default-jre-headless radosgw ceph-mon ceph-osd`
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
