import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb'
import pMap from 'p-map'
import { dynamoClient, s3Client } from '../../src/adapters/aws/resources.ts'
import type { AtEnd } from '../helpers/at-end.ts'
import { PROGRAM, runProgram } from '../helpers/program.ts'
import { topicContent, topicRecord } from '../helpers/topics.ts'
import { type AwsPlace, environmentFor, freshNames } from '../stand-ins/environment.ts'
import { startFaultProxy } from '../stand-ins/fault-proxy.ts'
import type { FaultyServer } from '../stand-ins/faulty-server.ts'
import { CREDENTIALS, missingForRealParts, startRealParts } from '../stand-ins/real-parts.ts'
import { countRounds } from '../stand-ins/rounds.ts'
import { startSecretsManager } from '../stand-ins/secrets-manager.ts'
import { cpuPerRequest, print, ratio } from './figures.ts'
import { fire, keyHeader, restShot, topicShot } from './load.ts'
import { type Subject, settled, startSubject, times } from './processes.ts'
import { TEXT } from './text.ts'

const IDLE_SECONDS = 60
/** Of each kind of store. */
export const AWS_INSTANCES = 3
/** In a round: what an instance tells the table of its limits costs by time, and little by request only when it is busy. */
const WARM_REQUESTS = 3_000
const CONNECTIONS = 8
const MOST = '100000000'

/** A server on the files store with as many topics. */
type FilesProduct = Pick<AwsProduct, 'subject' | 'key'>

/** A server on the aws store, and what stands between it and its store. */
interface AwsProduct {
  subject: Subject
  key: string
  dynamodb: FaultyServer
  s3: FaultyServer
}

/** What the aws store costs: real DynamoDB and S3 servers of this machine, so times of calls say nothing. */
export async function printAws(files: readonly FilesProduct[], atEnd: AtEnd): Promise<void> {
  const missing = missingForRealParts()
  if (missing !== undefined) return print(`the aws store: ${missing}`)
  const parts = await startRealParts()
  atEnd(() => parts.stop())

  print('the aws store, 1,000 topics')
  const product = await startAws(parts, 1_000, atEnd)
  print(
    `  rounds of calls for a cold batch of 100           ${String(await roundsOfBatch(product)).padStart(4)}     (must ≤ 4, aim 2)`,
  )
  const others = await times(AWS_INSTANCES - 1, () => startAws(parts, 1_000, atEnd))
  for (const { subject } of [product, ...others]) await settled(subject)
  await printWarm(product, others, files)
  await printIdle(product)

  const large = await startAws(parts, 10_000, atEnd)
  await settled(large.subject)
  const ids = Array.from({ length: 10_000 }, (_, index) => `topic_${index}`)
  for (let at = 0; at < ids.length; at += 100) await batch(large, ids.slice(at, at + 100))
  const megabytes = large.subject.residentMb().toFixed(0)
  print(`memory with 10,000 topics of 2 KB on aws          ${megabytes} MB   (must < 250)`)
}

async function printWarm(
  product: AwsProduct,
  others: readonly AwsProduct[],
  files: readonly FilesProduct[],
): Promise<void> {
  const get = ({ subject, key }: FilesProduct) => [subject, topicShot(subject.url, keyHeader(key))] as const
  const { dynamodb, s3 } = product
  const before = countCalls(dynamodb, s3)
  await fire([get(product)[1]], WARM_REQUESTS, CONNECTIONS)
  const calls = countCalls(dynamodb, s3) - before
  const [onFiles, onAws] = await cpuPerRequest([files.map(get), [product, ...others].map(get)], {
    requests: WARM_REQUESTS,
  })
  const overFiles = ratio(onAws, onFiles)
  print(`  CPU, warm GET ÷ on files                       ${overFiles}   (must ≤ 1.1, aim 1.0)`)
  print(
    `  calls for ${WARM_REQUESTS.toLocaleString('en')} warm GETs, but for feed and limits   ${calls}   (must 0)`,
  )
}

/** Calls for topics and texts: neither the looks at the feed, nor what tells of limits. */
function countCalls(dynamodb: FaultyServer, s3: FaultyServer): number {
  const isOfTopics = ({ op }: { op: string }) => !['GetItem', 'UpdateItem', 'Scan'].includes(op)
  return dynamodb.requests.filter(isOfTopics).length + s3.requests.length
}

async function printIdle({ dynamodb, s3 }: AwsProduct): Promise<void> {
  const [before, textsBefore] = [dynamodb.requests.length, s3.requests.length]
  await sleep(IDLE_SECONDS * 1_000)
  const calls = dynamodb.requests.slice(before).map(({ op }) => op)
  const perSecond = (op: string) => calls.filter((call) => call === op).length / IDLE_SECONDS
  const others =
    calls.filter((op) => op !== 'GetItem' && op !== 'Scan').length + s3.requests.length - textsBefore
  print(
    `  small reads a second of an idle instance       ${perSecond('GetItem').toFixed(2).padStart(6)}   (must ≤ 2)`,
  )
  print(`  its scans a minute, and all other calls        ${(perSecond('Scan') * 60).toFixed(1)}, ${others}`)
}

/** Of a server that has read no text yet. */
function roundsOfBatch(product: AwsProduct): Promise<number> {
  const ids = Array.from({ length: 100 }, (_, index) => `topic_${index}`)
  return countRounds(product.s3, () => batch(product, ids))
}

async function batch({ subject, key }: AwsProduct, topic_ids: string[]): Promise<void> {
  const url = `${subject.url}/api/v1/prompts/batch`
  await fire([restShot('POST', url, keyHeader(key), topic_ids.at(-1) as string, { topic_ids })], 1, 1)
}

const LIMITS = { PROMPTS_LIMIT_RETRIEVAL: MOST, PROMPTS_LIMIT_BATCH: MOST, PROMPTS_PORT: '0' }

async function startAws(
  real: { dynamodb: string; s3: string },
  topics: number,
  atEnd: AtEnd,
): Promise<AwsProduct> {
  const secrets = await startSecretsManager()
  const [dynamodb, s3] = [await startFaultProxy(real.dynamodb), await startFaultProxy(real.s3)]
  atEnd(async () => void (await Promise.all([secrets, dynamodb, s3].map(({ stop }) => stop()))))
  const names = freshNames()
  const place: AwsPlace = {
    ...real,
    secretsManager: secrets.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
  }
  const direct = environmentFor(place, names)
  await runProgram(['provision'], direct)
  await writeAwsTopics(place, names, topics)
  const key = await runProgram(['keys', 'create', '--name', 'bench'], direct)
  const settings = environmentFor({ ...place, dynamodb: dynamodb.endpoint, s3: s3.endpoint }, names)
  const subject = await startSubject(`${topics} topics on aws`, [PROGRAM, 'serve'], {
    ...settings,
    ...LIMITS,
  })
  atEnd(subject.stop)
  return { subject, key: key.stdout.trim(), dynamodb, s3 }
}

/** Topics as the program would have written them, but many at once. */
async function writeAwsTopics(
  { dynamodb, s3, region, credentials }: AwsPlace,
  { table, bucket }: { table: string; bucket: string },
  count: number,
): Promise<void> {
  const tables = dynamoClient({ region, credentials, endpoint: dynamodb })
  const objects = s3Client({ region, credentials, endpoint: s3, forcePathStyle: true })
  const records = Array.from({ length: count }, (_, index) => {
    const user_name = {
      name: 'user_name',
      type: 'string' as const,
      required: true,
      description: 'Who is greeted.',
    }
    return topicRecord(topicContent(`topic_${index}`, { user: TEXT }, [user_name]), 1)
  })
  const items = await pMap(
    records,
    async (record) => {
      const [info] = record.prompts
      const command = new PutObjectCommand({ Bucket: bucket, Key: info?.s3_key, Body: TEXT })
      const { VersionId } = await objects.send(command)
      return { ...record, prompts: [{ ...info, s3_bucket: bucket, s3_version_id: VersionId }] }
    },
    { concurrency: 32 },
  )
  const pages = Array.from({ length: Math.ceil(items.length / 25) }, (_, page) =>
    items.slice(page * 25, page * 25 + 25),
  )
  await pMap(
    pages,
    (page) =>
      tables.send(
        new BatchWriteCommand({ RequestItems: { [table]: page.map((Item) => ({ PutRequest: { Item } })) } }),
      ),
    { concurrency: 8 },
  )
}
