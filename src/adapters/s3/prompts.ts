import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import { AppError } from '../../domain/errors.ts'
import { fingerprint, type PromptStore, type PromptVersion, versionFacts } from '../../domain/prompt-store.ts'
import type { PromptInfo } from '../../domain/topic.ts'
import { nameOf, type ObjectFacts, type ObjectRef, type ObjectStore, readExactly } from './object-store.ts'

/** The prompt as it is published now, or as it was last if it was deleted; `undefined` if there never was one. */
export type LastPublished = (topic_id: string, prompt_type: string) => Promise<PromptInfo | undefined>

/** Objects whose facts are read at the same time, and facts kept: they never change. */
const CONCURRENCY = 16
const MAX_FACTS = 10_000

interface PublishedVersion {
  ref: ObjectRef
  version: PromptVersion
}

/**
 * Prompt texts in S3. History is a chain: the record names the text that is published, every text names the one that
 * was published before it. A text outside the chain was never published, however it came there.
 */
export function s3Prompts(objects: ObjectStore, lastPublished: LastPublished): PromptStore {
  const cachedFacts = new LRUCache<string, ObjectFacts>({ max: MAX_FACTS })

  async function factsOf(ref: ObjectRef): Promise<ObjectFacts> {
    const name = nameOf(ref)
    const facts = cachedFacts.get(name) ?? (await objects.facts(ref))
    cachedFacts.set(name, facts)
    return facts
  }

  async function chain(topic_id: string, prompt_type: string): Promise<PublishedVersion[]> {
    const last = await lastPublished(topic_id, prompt_type)
    if (!last) return []
    // All at once ahead of the walk, which needs one after the other.
    const refs = await objects.list(topic_id, prompt_type)
    await pMap(refs, (ref) => factsOf(ref).catch(() => {}), { concurrency: CONCURRENCY })
    const isThere = new Set(refs.map(nameOf))
    const versions = [{ ref: last as ObjectRef, version: versionOf(last) }]
    for (let { previous } = await factsOf(last); previous && isThere.has(nameOf(previous)); ) {
      const facts = await factsOf(previous)
      const revision = (versions.at(-1) as PublishedVersion).version.revision - 1
      versions.push({ ref: previous, version: await versionAt(previous, facts, revision) })
      previous = facts.previous
    }
    return versions
  }

  /** @param revision for a text of another program, which says none. */
  async function versionAt(ref: ObjectRef, facts: ObjectFacts, revision: number): Promise<PromptVersion> {
    const sha256 = facts.sha256 ?? fingerprint(await objects.read(ref)).sha256
    return { version_id: idOf(ref), ...versionFacts({ revision, ...facts, sha256 }) }
  }

  return {
    read: (_, info) => readExactly(objects, info),

    async history(topic_id, prompt_type) {
      return (await chain(topic_id, prompt_type)).map(({ version }) => version)
    },

    async readVersion(topic_id, prompt_type, version_id) {
      const versions = await chain(topic_id, prompt_type)
      const found = versions.find(({ version }) => version.version_id === version_id)
      if (found) return { version: found.version, content: await objects.read(found.ref) }
      throw new AppError('not_found', `Prompt "${topic_id}/${prompt_type}" has no version "${version_id}".`)
    },
  }
}

function versionOf(info: PromptInfo): PromptVersion {
  return { version_id: idOf(info), ...versionFacts(info) }
}

/** The version's name for callers: S3's own, or in a bucket that keeps no versions the last part of the key. */
function idOf({ s3_key, s3_version_id }: ObjectRef): string {
  return s3_version_id ?? s3_key.replace(/^.*\//, '').replace(/\.md$/, '')
}
