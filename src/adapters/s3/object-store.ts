import { randomBytes } from 'node:crypto'
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { AppError } from '../../domain/errors.ts'
import { fingerprint, promptKey } from '../../domain/prompt-store.ts'
import type { PromptInfo } from '../../domain/topic.ts'
import { decodeUtf8 } from '../../domain/utf8.ts'
import { callAws, causeOf, WRITE_BUDGET_MS } from '../aws/calls.ts'
import { type BodyFacts, factsIn, metadataOf } from './metadata.ts'

/** Where one text is. Together the members name something that never changes, unless a foreign record names no version. */
export type BodyPlace = Pick<PromptInfo, 's3_bucket' | 's3_key' | 's3_version_id'>

/** The texts of prompts in a bucket. Nothing here decides what is published: records do. */
export interface ObjectStore {
  /** Writes the text that `info` describes to a new place, which replaces nothing that a record points to. */
  write(topic_id: string, info: PromptInfo, content: string, previous?: BodyPlace): Promise<BodyPlace>

  /** @throws AppError `unavailable` when it cannot be read, or is gone. */
  read(place: BodyPlace): Promise<string>

  /** The text that an object holds now, whatever its version, and where that is; `undefined` if it holds none. */
  newest(place: Omit<BodyPlace, 's3_version_id'>): Promise<{ text: string; place: BodyPlace } | undefined>

  /** What is known of the text at a place without reading it. */
  facts(place: BodyPlace): Promise<BodyFacts>

  remove(place: BodyPlace): Promise<void>

  /** Every place that ever held a text of this prompt, published or not; versions with the newest first, as S3 keeps them. */
  places(topic_id: string, prompt_type: string): Promise<BodyPlace[]>
}

/** How long an answer about the bucket's versioning holds. */
const VERSIONING_MS = 60_000
/** Answers of one read that may be cut. */
const MAX_CUTS = 4
/** How S3 calls the version of an object that was written while its bucket kept none. */
const NO_VERSION = 'null'

/** One name for each place, also where a bucket that keeps no versions leaves the version out. */
export function nameOf({ s3_key, s3_version_id = NO_VERSION }: BodyPlace): string {
  return `${s3_key}?${s3_version_id}`
}

/**
 * @param owner the account that the bucket must belong to, where it is known: a bucket's name may have come into other
 *   hands.
 */
export function s3Objects(
  client: S3Client,
  bucket: string,
  owner: () => Promise<string | undefined>,
): ObjectStore {
  let versioning: { isOn: Promise<boolean>; askedAt: number } | undefined
  const place = (action: string, name = bucket) => ({
    action: `s3:${action}`,
    resource: `bucket ${name}`,
    setting: 'PROMPTS_BUCKET',
  })
  const inBucket = async (name = bucket) => ({ Bucket: name, ExpectedBucketOwner: await owner() })

  function keepsVersions(): Promise<boolean> {
    if (!versioning || performance.now() - versioning.askedAt > VERSIONING_MS) {
      versioning = { isOn: askVersioning(), askedAt: performance.now() }
      versioning.isOn.catch(() => {
        versioning = undefined
      })
    }
    return versioning.isOn
  }

  async function askVersioning(): Promise<boolean> {
    const command = new GetBucketVersioningCommand(await inBucket())
    const { Status } = await callAws(place('GetBucketVersioning'), (options) => client.send(command, options))
    return Status === 'Enabled'
  }

  async function put(s3_key: string, info: PromptInfo, content: string, previous: BodyPlace | undefined) {
    const target = await inBucket()
    const command = new PutObjectCommand({
      ...target,
      Key: s3_key,
      Body: content,
      ContentType: 'text/markdown; charset=utf-8',
      Metadata: metadataOf(info, previous),
    })
    const { VersionId } = await callAws(
      place('PutObject'),
      (options) => client.send(command, options),
      WRITE_BUDGET_MS,
    )
    return VersionId === NO_VERSION ? undefined : VersionId
  }

  /** What names the text at a place: without a version, what was written before its bucket kept any. */
  async function exactly({ s3_bucket, s3_key, s3_version_id }: BodyPlace) {
    const version = s3_version_id ?? ((await keepsVersions()) ? NO_VERSION : undefined)
    return { ...(await inBucket(s3_bucket)), Key: s3_key, VersionId: version }
  }

  async function get(input: GetObjectCommandInput) {
    const action = input.VersionId === undefined ? 'GetObject' : 'GetObjectVersion'
    try {
      return await callAws(place(action, input.Bucket), (options) =>
        untilWhole(async () => {
          const { Body, VersionId } = await client.send(new GetObjectCommand(input), options)
          const bytes = await Body?.transformToByteArray()
          return { text: bytes && decodeUtf8(bytes), s3_version_id: VersionId }
        }),
      )
    } catch (error) {
      if (/^(NoSuchKey|NoSuchVersion)$/.test(causeOf(error) ?? '')) return undefined
      throw error
    }
  }

  return {
    async write(topic_id, info, content, previous) {
      if (await keepsVersions()) {
        const s3_key = promptKey(topic_id, info.prompt_type)
        const s3_version_id = await put(s3_key, info, content, previous)
        if (s3_version_id !== undefined) return { s3_bucket: bucket, s3_key, s3_version_id }
        // Somebody has just switched versioning off.
        versioning = undefined
      }
      const s3_key = `${unversionedFolder(topic_id, info.prompt_type)}${info.revision}-${randomBytes(4).toString('hex')}.md`
      await put(s3_key, info, content, previous)
      return { s3_bucket: bucket, s3_key }
    },

    async read(place) {
      const found = await get(await exactly(place))
      if (found?.text !== undefined) return found.text
      throw unreadable(`${place.s3_key} is gone from the bucket, or is not valid UTF-8`)
    },

    async newest({ s3_bucket = bucket, s3_key }) {
      const found = await get({ ...(await inBucket(s3_bucket)), Key: s3_key })
      if (found?.text === undefined) return undefined
      const { text, s3_version_id } = found
      return { text, place: { s3_bucket, s3_key, ...(s3_version_id !== undefined && { s3_version_id }) } }
    },

    async facts(of) {
      const target = await exactly(of)
      const head = await callAws(place('GetObjectVersion'), (options) =>
        client.send(new HeadObjectCommand(target), options),
      )
      return factsIn(head)
    },

    async remove(of) {
      const target = await exactly(of)
      const action = target.VersionId === undefined ? 'DeleteObject' : 'DeleteObjectVersion'
      await callAws(place(action), (options) => client.send(new DeleteObjectCommand(target), options))
    },

    async places(topic_id, prompt_type) {
      const [versioned, unversioned] = await Promise.all([
        versionsOf(promptKey(topic_id, prompt_type)),
        objectsIn(unversionedFolder(topic_id, prompt_type)),
      ])
      return [...versioned, ...unversioned]
    },
  }

  async function versionsOf(s3_key: string): Promise<BodyPlace[]> {
    const target = await inBucket()
    const found: BodyPlace[] = []
    let KeyMarker: string | undefined
    let VersionIdMarker: string | undefined
    do {
      const command = new ListObjectVersionsCommand({ ...target, Prefix: s3_key, KeyMarker, VersionIdMarker })
      const page = await callAws(place('ListBucketVersions'), (options) => client.send(command, options))
      for (const { Key, VersionId } of page.Versions ?? []) {
        if (Key !== s3_key) continue
        found.push({ s3_bucket: bucket, s3_key, s3_version_id: VersionId })
      }
      KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined
      VersionIdMarker = page.NextVersionIdMarker
    } while (KeyMarker !== undefined)
    return found
  }

  async function objectsIn(folder: string): Promise<BodyPlace[]> {
    const target = await inBucket()
    const found: BodyPlace[] = []
    let ContinuationToken: string | undefined
    do {
      const command = new ListObjectsV2Command({ ...target, Prefix: folder, ContinuationToken })
      const page = await callAws(place('ListBucket'), (options) => client.send(command, options))
      for (const { Key } of page.Contents ?? []) {
        found.push({ s3_bucket: bucket, s3_key: String(Key) })
      }
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    return found
  }
}

/** The SDK sends again what gets no answer; an answer that is cut while it is read is for us to ask for again. */
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

/** The text that `info` means, and nothing else: a text that has become another one is not served. */
export async function readExactly(bodies: ObjectStore, info: PromptInfo): Promise<string> {
  const text = await bodies.read(info)
  if (fingerprint(text).sha256 === info.sha256) return text
  throw unreadable(`${info.s3_key} is not the text that its record means`)
}

function unreadable(reason: string): AppError {
  return new AppError('unavailable', 'A text cannot be read.', { operatorMessage: `${reason}.` })
}
