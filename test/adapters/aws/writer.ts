import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pMap from 'p-map'
import { dynamoClient, s3Client } from '../../../src/adapters/aws/resources.ts'
import { awsStore } from '../../../src/adapters/aws/store.ts'
import type { PromptTexts, TopicContent } from '../../../src/domain/topic.ts'
import { openCatalog } from '../../../src/services/catalog/sync.ts'
import { type PublishingDeps, publish } from '../../../src/services/publishing.ts'
import { createKeyedMutex } from '../../../src/util/keyed-mutex.ts'
import { systemClock } from '../../../src/util/time.ts'
import type { Place } from '../../helpers/aws-store.ts'
import { parameter } from '../../helpers/parameters.ts'

/**
 * A process that writes: `edit PLACE NAME TIMES` makes {@link edits} and says each when it is safe; `rename PLACE NAME
 * TIMES` gives that many topics a new name, and ends when nobody may be unaware of it any more.
 */

/** Topics that {@link edits} change, and what is published of each before. */
export const RIVALS = ['rival_0', 'rival_1', 'rival_2', 'rival_3']
/** Edits that an instance makes at the same time. */
const CONCURRENCY = 3
/** Longer than the freshness bound of those who wait for a `rename`. */
const UNAWARE_MS = 1_500

/** An edit that was acknowledged. */
export interface Acknowledged {
  topic_id: string
  revision: number
  mark: string
  /** How often it was made: again after every lost race. */
  attempts: number
}

/** A store with clients of its own; `end` ends them. */
export function openStore(
  { parts: { dynamodb: endpoint, s3: s3Endpoint, region, credentials }, table, bucket }: Place,
  { freshnessMs = 1_000, reconcileMs = 600_000 } = {},
) {
  const dynamodb = dynamoClient({ region, credentials, endpoint })
  const s3 = s3Client({ region, credentials, endpoint: s3Endpoint, forcePathStyle: true })
  const owner = async () => undefined
  const warn = () => {}
  const store = awsStore({ dynamodb, s3, table, bucket, owner, freshnessMs, reconcileMs, warn })
  const end = () => {
    dynamodb.destroy()
    s3.destroy()
  }
  return { ...store, dynamodb, end }
}

/** Makes edits of topics at random, `times` in all, each with a mark that no other edit has. */
export async function edits(
  deps: PublishingDeps,
  name: string,
  times: number,
  acknowledge: (edit: Acknowledged) => void,
): Promise<void> {
  const numbers = Array.from({ length: times }, (_, number) => number)
  const edit = async (number: number) => {
    const topic_id = RIVALS[Math.floor(Math.random() * RIVALS.length)] as string
    const mark = `${name}_${number}`
    let attempts = 0
    const published = await publish(deps, { topic_id, by: name }, (current) => {
      attempts++
      return marked(current?.content, mark)
    })
    acknowledge({ topic_id, revision: published.topic.revision, mark, attempts })
  }
  await pMap(numbers, edit, { concurrency: CONCURRENCY })
}

/** The topic with the mark in every part of it: whoever sees two marks sees parts of two edits. */
function marked(current: TopicContent | undefined, mark: string): TopicContent {
  if (!current) throw new Error('the topic is gone')
  const { definition, texts } = current
  return {
    definition: { ...definition, description: mark, allowed_parameters: [parameter(mark)] },
    texts: markedBodies(Object.keys(texts), mark),
  }
}

export function markedBodies(types: readonly string[], mark: string): PromptTexts {
  return Object.fromEntries(types.map((type) => [type, `${type} {{${mark}}}`]))
}

async function rename(deps: PublishingDeps, name: string, times: number): Promise<void> {
  const ids = Array.from({ length: times }, (_, number) => `topic_${number}`)
  const edit = (topic_id: string) =>
    publish(deps, { topic_id, by: 'writer' }, (current) => {
      if (!current) throw new Error(`there is no ${topic_id}`)
      const { definition, texts } = current.content
      return { definition: { ...definition, topic_name: name }, texts }
    })
  await pMap(ids, edit, { concurrency: CONCURRENCY })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [mode, place = '', name = '', times = '0'] = process.argv.slice(2)
  const store = openStore(JSON.parse(place))
  const clock = systemClock
  const catalog = await openCatalog({ ...store, clock, staleIfErrorMs: 60_000, warn: () => {} })
  const deps = { ...store, clock, catalog, mutex: createKeyedMutex() }
  if (mode === 'edit') {
    const say = (edit: Acknowledged) => process.stdout.write(`${JSON.stringify(edit)}\n`)
    await edits(deps, name, Number(times), say)
  } else {
    await rename(deps, name, Number(times))
    await setTimeout(UNAWARE_MS)
  }
  await catalog.close()
}
