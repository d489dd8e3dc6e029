import { randomBytes } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { AppError } from '../../domain/errors.ts'
import { fingerprint, promptKey } from '../../domain/prompt-store.ts'
import type { PromptInfo } from '../../domain/topic.ts'
import { decodeUtf8, encodable } from '../../util/json.ts'
import { callAws, causeOf, WRITE_BUDGET_MS } from '../aws/calls.ts'

/** Names one text in S3. It never changes, unless a record of another program names no version. */
export type ObjectRef = Pick<PromptInfo, 's3_bucket' | 's3_key' | 's3_version_id'>

/** What an object says of itself. Objects that this program did not write have no revision. */
export interface ObjectFacts {
  revision?: number
  sha256?: string
  bytes: number
  updated_at: string
  updated_by: string
  note?: string
  /** The text that was published before this one. */
  previous?: ObjectRef
}

/** The texts of prompts in a bucket. Nothing here decides what is published: records do. */
export interface ObjectStore {
  /** Writes the text that `info` describes as a new object, which replaces none that a record names. */
  write(topic_id: string, info: PromptInfo, content: string, previous?: ObjectRef): Promise<ObjectRef>

  /** @throws AppError `unavailable` when it cannot be read, or is gone. */
  read(ref: ObjectRef): Promise<string>

  /** The text that an object holds now, whatever its version, and its name; `undefined` if it holds none. */
  newest(ref: Omit<ObjectRef, 's3_version_id'>): Promise<{ text: string; ref: ObjectRef } | undefined>

  /** What an object says of itself, without reading its text. */
  facts(ref: ObjectRef): Promise<ObjectFacts>

  remove(ref: ObjectRef): Promise<void>

  /** Every object that ever held a text of this prompt, published or not; versions newest first, as S3 lists them. */
  list(topic_id: string, prompt_type: string): Promise<ObjectRef[]>
}

/** How long an answer about the bucket's versioning is used. */
const VERSIONING_MS = 60_000
/** Attempts to read one answer that is cut off. */
const MAX_CUTS = 4
/** S3's name for the version of an object that was written while its bucket kept none. */
const NO_VERSION = 'null'
/** Author of objects that name none. */
const UNKNOWN_AUTHOR = 'unknown'

/** One name for each object, also in a bucket that keeps no versions and so leaves the version out. */
export function nameOf({ s3_key, s3_version_id = NO_VERSION }: ObjectRef): string {
  return `${s3_key}?${s3_version_id}`
}

/**
 * @param owner the account that the bucket must belong to, if known: another account may have taken over the name.
 */
export function s3Objects(
  client: S3Client,
  name: string,
  owner: () => Promise<string | undefined>,
): ObjectStore {
  const bucket: Bucket = { client, name, owner }
  const versioning = cacheVersioning(() => askVersioning(bucket))

  /** S3's input for one text. Without a version: what was written before its bucket kept any. */
  async function inputFor({ s3_bucket, s3_key, s3_version_id }: ObjectRef) {
    const version = s3_version_id ?? ((await versioning.isOn()) ? NO_VERSION : undefined)
    return { ...(await targetOf(bucket, s3_bucket)), Key: s3_key, VersionId: version }
  }

  return {
    async write(topic_id, info, content, previous) {
      if (await versioning.isOn()) {
        const s3_key = promptKey(topic_id, info.prompt_type)
        const s3_version_id = await put(bucket, s3_key, content, metadataOf(info, previous))
        if (s3_version_id !== undefined) return { s3_bucket: name, s3_key, s3_version_id }
        // Versioning has just been switched off.
        versioning.forget()
      }
      const random = randomBytes(4).toString('hex')
      const s3_key = `${unversionedFolder(topic_id, info.prompt_type)}${info.revision}-${random}.md`
      await put(bucket, s3_key, content, metadataOf(info, previous))
      return { s3_bucket: name, s3_key }
    },

    async read(ref) {
      const found = await get(bucket, await inputFor(ref))
      if (found?.text !== undefined) return found.text
      throw unreadable(`${ref.s3_key} is gone from the bucket, or is not valid UTF-8`)
    },

    async newest({ s3_bucket = name, s3_key }) {
      const found = await get(bucket, { ...(await targetOf(bucket, s3_bucket)), Key: s3_key })
      if (found?.text === undefined) return undefined
      const { text, s3_version_id } = found
      return { text, ref: { s3_bucket, s3_key, ...(s3_version_id !== undefined && { s3_version_id }) } }
    },

    async facts(ref) {
      const command = new HeadObjectCommand(await inputFor(ref))
      const call = callOf(bucket, 'GetObjectVersion')
      return factsIn(await callAws(call, (options) => client.send(command, options)))
    },

    async remove(ref) {
      const input = await inputFor(ref)
      const call = callOf(bucket, input.VersionId === undefined ? 'DeleteObject' : 'DeleteObjectVersion')
      await callAws(call, (options) => client.send(new DeleteObjectCommand(input), options))
    },

    async list(topic_id, prompt_type) {
      const [versioned, unversioned] = await Promise.all([
        listVersions(bucket, promptKey(topic_id, prompt_type)),
        listFolder(bucket, unversionedFolder(topic_id, prompt_type)),
      ])
      return [...versioned, ...unversioned]
    },
  }
}

/** A bucket, and how to reach it. */
interface Bucket {
  client: S3Client
  name: string
  owner: () => Promise<string | undefined>
}

function callOf(bucket: Bucket, action: string, name = bucket.name) {
  return { action: `s3:${action}`, resource: `bucket ${name}`, setting: 'PROMPTS_BUCKET' }
}

async function targetOf(bucket: Bucket, name = bucket.name) {
  return { Bucket: name, ExpectedBucketOwner: await bucket.owner() }
}

/** Keeps the answer about a bucket's versioning for a minute; a failure is asked again. */
function cacheVersioning(ask: () => Promise<boolean>) {
  let answer: { isOn: Promise<boolean>; askedAt: number } | undefined
  const forget = () => {
    answer = undefined
  }
  return {
    forget,
    isOn(): Promise<boolean> {
      if (!answer || performance.now() - answer.askedAt > VERSIONING_MS) {
        answer = { isOn: ask(), askedAt: performance.now() }
        answer.isOn.catch(forget)
      }
      return answer.isOn
    },
  }
}

async function askVersioning(bucket: Bucket): Promise<boolean> {
  const command = new GetBucketVersioningCommand(await targetOf(bucket))
  const call = callOf(bucket, 'GetBucketVersioning')
  const { Status } = await callAws(call, (options) => bucket.client.send(command, options))
  return Status === 'Enabled'
}

/** @returns the version that S3 gave the object; `undefined` if the bucket keeps none. */
async function put(
  bucket: Bucket,
  s3_key: string,
  content: string,
  metadata: Record<string, string>,
): Promise<string | undefined> {
  const command = new PutObjectCommand({
    ...(await targetOf(bucket)),
    Key: s3_key,
    Body: encodable(content),
    ContentType: 'text/markdown; charset=utf-8',
    Metadata: metadata,
  })
  const call = callOf(bucket, 'PutObject')
  const { VersionId } = await callAws(
    call,
    (options) => bucket.client.send(command, options),
    WRITE_BUDGET_MS,
  )
  return VersionId === NO_VERSION ? undefined : VersionId
}

async function get(bucket: Bucket, input: GetObjectCommandInput) {
  const action = input.VersionId === undefined ? 'GetObject' : 'GetObjectVersion'
  try {
    return await callAws(callOf(bucket, action, input.Bucket), (options) =>
      untilWhole(async () => {
        const { Body, VersionId } = await bucket.client.send(new GetObjectCommand(input), options)
        const bytes = await Body?.transformToByteArray()
        return { text: bytes && decodeUtf8(bytes), s3_version_id: VersionId }
      }),
    )
  } catch (error) {
    if (/^(NoSuchKey|NoSuchVersion)$/.test(causeOf(error) ?? '')) return undefined
    throw error
  }
}

async function listVersions(bucket: Bucket, s3_key: string): Promise<ObjectRef[]> {
  const target = await targetOf(bucket)
  const call = callOf(bucket, 'ListBucketVersions')
  const refs: ObjectRef[] = []
  let KeyMarker: string | undefined
  let VersionIdMarker: string | undefined
  do {
    const command = new ListObjectVersionsCommand({ ...target, Prefix: s3_key, KeyMarker, VersionIdMarker })
    const page = await callAws(call, (options) => bucket.client.send(command, options))
    for (const { Key, VersionId } of page.Versions ?? []) {
      if (Key !== s3_key) continue
      refs.push({ s3_bucket: bucket.name, s3_key, s3_version_id: VersionId })
    }
    KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined
    VersionIdMarker = page.NextVersionIdMarker
  } while (KeyMarker !== undefined)
  return refs
}

async function listFolder(bucket: Bucket, folder: string): Promise<ObjectRef[]> {
  const target = await targetOf(bucket)
  const call = callOf(bucket, 'ListBucket')
  const refs: ObjectRef[] = []
  let ContinuationToken: string | undefined
  do {
    const command = new ListObjectsV2Command({ ...target, Prefix: folder, ContinuationToken })
    const page = await callAws(call, (options) => bucket.client.send(command, options))
    for (const { Key } of page.Contents ?? []) refs.push({ s3_bucket: bucket.name, s3_key: String(Key) })
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
  return refs
}

/** Repeats a read whose answer is cut off: the SDK retries only what gets no answer at all. */
async function untilWhole<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      const isCut = (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      if (!isCut || attempt === MAX_CUTS) throw error
    }
  }
}

/** In a bucket that keeps no versions every text has a key of its own, so that none ever replaces another. */
function unversionedFolder(topic_id: string, prompt_type: string): string {
  return promptKey(topic_id, prompt_type).replace(/\.md$/, '/')
}

/** The metadata of the object that `info` describes. Headers are ASCII, names of people are not. */
function metadataOf(info: PromptInfo, previous: ObjectRef | undefined): Record<string, string> {
  return {
    revision: String(info.revision),
    sha256: info.sha256,
    'updated-at': info.updated_at,
    'updated-by': encodeURIComponent(info.updated_by),
    // All metadata together may hold 2 KiB: in UTF-16 a note takes at most two thirds of it, whatever its language.
    ...(info.note !== undefined && { note: Buffer.from(info.note, 'utf16le').toString('base64') }),
    ...(previous && { 'previous-key': previous.s3_key }),
    ...(previous?.s3_version_id !== undefined && { 'previous-version': previous.s3_version_id }),
  }
}

/** The reverse of {@link metadataOf}. */
function factsIn({ Metadata = {}, ContentLength, LastModified }: HeadObjectCommandOutput): ObjectFacts {
  const key = Metadata['previous-key']
  const version = Metadata['previous-version']
  const note = Metadata['note']
  return {
    ...(Metadata['revision'] !== undefined && { revision: Number(Metadata['revision']) }),
    ...(Metadata['sha256'] !== undefined && { sha256: Metadata['sha256'] }),
    bytes: ContentLength ?? 0,
    updated_at: Metadata['updated-at'] ?? (LastModified ?? new Date(0)).toISOString(),
    updated_by: decoded(Metadata['updated-by'] ?? UNKNOWN_AUTHOR),
    ...(note !== undefined && { note: Buffer.from(note, 'base64').toString('utf16le') }),
    ...(key !== undefined && {
      previous: { s3_key: key, ...(version !== undefined && { s3_version_id: version }) },
    }),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Reads the text that `info` describes. A text whose hash is another is refused; programs that write a byte-order mark
 * may count it.
 */
export async function readExactly(objects: ObjectStore, info: PromptInfo): Promise<string> {
  const text = await objects.read(info)
  if ([text, `\uFEFF${text}`].some((read) => fingerprint(read).sha256 === info.sha256)) return text
  throw unreadable(`${info.s3_key} is not the text that its record means`)
}

function unreadable(reason: string): AppError {
  return new AppError('unavailable', 'A text cannot be read.', { operatorMessage: `${reason}.` })
}
