import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import { AppError } from '../../domain/errors.ts'
import { fingerprint, type PromptStore, type PromptVersion } from '../../domain/prompt-store.ts'
import type { PromptInfo } from '../../domain/topic.ts'
import { type BodyPlace, nameOf, type ObjectStore, readExactly } from './object-store.ts'
import type { BodyFacts } from './metadata.ts'

/** The prompt as it is published now, or as it was last if it was deleted; `undefined` if there never was one. */
export type LastPublished = (topic_id: string, prompt_type: string) => Promise<PromptInfo | undefined>

/** Objects asked for their facts at the same time, and facts remembered: they never change. */
const CONCURRENCY = 16
const MAX_FACTS = 10_000

interface PublishedVersion {
  place: BodyPlace
  version: PromptVersion
}

/**
 * Prompt bodies in S3. History is a chain: the record names the text that is published, every text names the one that
 * was published before it. What is not in the chain was never published, however it came there.
 */
export function s3Prompts(bodies: ObjectStore, lastPublished: LastPublished): PromptStore {
  const known = new LRUCache<string, BodyFacts>({ max: MAX_FACTS })

  async function factsOf(place: BodyPlace): Promise<BodyFacts> {
    const name = nameOf(place)
    const facts = known.get(name) ?? (await bodies.facts(place))
    known.set(name, facts)
    return facts
  }

  async function chain(topic_id: string, prompt_type: string): Promise<PublishedVersion[]> {
    const last = await lastPublished(topic_id, prompt_type)
    if (!last) return []
    // All at once ahead of the walk, which asks for one after the other.
    const places = await bodies.places(topic_id, prompt_type)
    await pMap(places, (place) => factsOf(place).catch(() => {}), { concurrency: CONCURRENCY })
    const isThere = new Set(places.map(nameOf))
    const found = [{ place: last as BodyPlace, version: versionOf(last) }]
    for (let { previous } = await factsOf(last); previous && isThere.has(nameOf(previous)); ) {
      const facts = await factsOf(previous)
      const revision = (found.at(-1) as PublishedVersion).version.revision - 1
      found.push({ place: previous, version: await versionAt(previous, facts, revision) })
      previous = facts.previous
    }
    return found
  }

  /** @param revision for a text that does not say its own: another program wrote it. */
  async function versionAt(place: BodyPlace, facts: BodyFacts, revision: number): Promise<PromptVersion> {
    const { bytes, updated_at, updated_by } = facts
    const sha256 = facts.sha256 ?? fingerprint(await bodies.read(place)).sha256
    return {
      version_id: idOf(place),
      revision: facts.revision ?? revision,
      sha256,
      bytes,
      updated_at,
      updated_by,
    }
  }

  return {
    read: (_, info) => readExactly(bodies, info),

    async history(topic_id, prompt_type) {
      return (await chain(topic_id, prompt_type)).map(({ version }) => version)
    },

    async readVersion(topic_id, prompt_type, version_id) {
      const versions = await chain(topic_id, prompt_type)
      const found = versions.find(({ version }) => version.version_id === version_id)
      if (found) return bodies.read(found.place)
      throw new AppError('not_found', `Prompt "${topic_id}/${prompt_type}" has no version "${version_id}".`)
    },
  }
}

function versionOf(info: PromptInfo): PromptVersion {
  const { revision, sha256, bytes, updated_at, updated_by } = info
  return { version_id: idOf(info), revision, sha256, bytes, updated_at, updated_by }
}

/** The version's name for callers: S3's own, or in a bucket that keeps no versions the last part of the key. */
function idOf({ s3_key, s3_version_id }: BodyPlace): string {
  return s3_version_id ?? s3_key.replace(/^.*\//, '').replace(/\.md$/, '')
}
