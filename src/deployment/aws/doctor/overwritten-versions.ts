import { ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { paginateScan } from '@aws-sdk/lib-dynamodb'
import type { Account } from '../../../adapters/aws/account.ts'
import { type AwsClients, callsOn, type ResourceNames, resourcesOf } from '../../../adapters/aws/resources.ts'
import { promptKey } from '../../../domain/prompt-store.ts'
import { type Check, note } from '../../check.ts'
import { FOLDER } from './bucket.ts'

/** An operator fixes a few by hand; of more only the number matters. */
const MOST_NOTES = 10

/**
 * Finds prompts whose text is not the latest version of its object: it was deleted or overwritten in the
 * bucket. It is served all the same, until the bucket's lifecycle rule removes it as an earlier version.
 */
export async function checkOverwrittenVersions(
  clients: AwsClients,
  names: ResourceNames,
  account: Account,
): Promise<Check[]> {
  // Before the records: an edit in between then points to a version that is not in the listing.
  const covered = await coveredVersions(clients, names, account)
  if (covered.size === 0) return []
  const notes: Check[] = []
  let more = 0
  for await (const { prompt, s3_key, s3_version_id } of publishedVersions(clients, names)) {
    const what = covered.get(versionId(s3_key, s3_version_id))
    if (what === undefined) continue
    if (notes.length === MOST_NOTES) more++
    else {
      const text = `Prompt ${prompt} is served from a version of ${s3_key} that is no longer the latest: ${what} stands above it, and the bucket's lifecycle rule removes earlier versions in time. Remove what stands above it from bucket ${names.bucket}, or publish another text of the prompt.`
      notes.push(note(text))
    }
  }
  return more > 0 ? [...notes, note(`… and ${more} more prompts like these`)] : notes
}

const versionId = (key: unknown, version: unknown) => `${key}?${version}`

/** What stands above each version that is not the latest of its object, by key and version. */
async function coveredVersions(
  { s3 }: AwsClients,
  names: ResourceNames,
  { id }: Account,
): Promise<Map<string, string>> {
  const call = callsOn(resourcesOf(names).bucket)
  const target = { Bucket: names.bucket, ExpectedBucketOwner: id, Prefix: FOLDER }
  const covered = new Map<string, string>()
  /** Keys with a delete marker on top; S3 lists it before or on the same page as what it covers. */
  const deleted = new Set<string | undefined>()
  let marker: { KeyMarker: string; VersionIdMarker: string | undefined } | undefined
  do {
    const list = new ListObjectVersionsCommand({ ...target, ...marker })
    const page = await call('s3:ListBucketVersions', (options) => s3.send(list, options))
    for (const { Key, IsLatest } of page.DeleteMarkers ?? []) if (IsLatest) deleted.add(Key)
    for (const { Key, VersionId, IsLatest } of page.Versions ?? []) {
      if (IsLatest) continue
      covered.set(versionId(Key, VersionId), deleted.has(Key) ? 'a delete marker' : 'another version')
    }
    const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page
    marker =
      IsTruncated && NextKeyMarker !== undefined
        ? { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker }
        : undefined
  } while (marker)
  return covered
}

type RawPrompt = Partial<Record<'prompt_type' | 's3_bucket' | 's3_key' | 's3_version_id', unknown>> | null

/** The prompts of all records, as they stand there, that name a version of an object in this bucket. */
async function* publishedVersions({ dynamodb }: AwsClients, names: ResourceNames) {
  const call = callsOn(resourcesOf(names).table)
  const pages = paginateScan({ client: dynamodb }, { TableName: names.table, ConsistentRead: true })
  for (;;) {
    const { value: page, done } = await call('dynamodb:Scan', () => pages.next())
    if (done) return
    for (const { topic_id, prompts } of page.Items ?? []) {
      for (const info of Array.isArray(prompts) ? (prompts as RawPrompt[]) : []) {
        const { prompt_type, s3_bucket = names.bucket, s3_key, s3_version_id } = info ?? {}
        if (s3_version_id === undefined || s3_bucket !== names.bucket) continue
        const prompt = `${topic_id}/${prompt_type}`
        yield { prompt, s3_key: s3_key ?? promptKey(String(topic_id), String(prompt_type)), s3_version_id }
      }
    }
  }
}
