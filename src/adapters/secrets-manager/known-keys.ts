import { type ApiKey, loggablePrefix } from '../../domain/api-keys.ts'
import { digestOf, type KnownKey } from '../../domain/key-finder.ts'
import type { KeyValue, NamedKey } from './key-value.ts'
import type { KeyVersions } from './key-versions.ts'
import { CURRENT, PENDING, PREVIOUS } from './secret-calls.ts'

/** The secret's own key has no name there. */
export const OWN_NAME = 'backend'

/** Every key of the secret, each once, by its best record. Expired ones too. */
export function knownKeys(versions: KeyVersions): KnownKey[] {
  const { current, pending, previous, unfinished } = versions
  const [now, next, before] = [current, pending, previous].map((id) => versions.value(id))
  const found = [
    ...ownKey(now, 'current'),
    ...ownKey(next, 'pending'),
    ...ownKey(before, 'previous'),
    ...namedKeys(now),
    // An edit calls off a pending rotation: what it has removed must not count from there.
    ...(unfinished ? [] : namedKeys(next)),
  ]
  const known = new Map<string, KnownKey>()
  for (const [key, record] of found) {
    const digest = digestOf(key)
    const name = digest.toString('hex')
    if (!known.has(name)) known.set(name, { record, digest })
  }
  return [...known.values()]
}

/** What cannot be understood of the versions that count, by stage and without any value. */
export function faultsOf(versions: KeyVersions): string[] {
  const { current, pending, previous } = versions
  const stages = [
    [CURRENT, current],
    [PENDING, pending],
    [PREVIOUS, previous],
  ] as const
  return stages.flatMap(([stage, id]) => {
    if (!versions.hasText(id)) return []
    const faults = versions.value(id)?.faults ?? ['it is no JSON object']
    return faults.map((fault) => `${stage}: ${fault}`)
  })
}

/** The record of the secret's own key. */
export function ownRecord({ apiKey = '', createdAt }: KeyValue, id: string): ApiKey {
  return {
    id,
    name: OWN_NAME,
    prefix: loggablePrefix(apiKey),
    ...(createdAt !== undefined && { created_at: createdAt }),
  }
}

export function namedRecord({ id, name, api_key, created_at, expires_at }: NamedKey): ApiKey {
  return {
    id,
    name,
    prefix: loggablePrefix(api_key),
    ...(created_at !== undefined && { created_at }),
    ...(typeof expires_at === 'string' && { expires_at }),
  }
}

type Found = [key: string, record: ApiKey][]

function ownKey(value: KeyValue | undefined, id: string): Found {
  return value?.apiKey === undefined ? [] : [[value.apiKey, ownRecord(value, id)]]
}

function namedKeys(value: KeyValue | undefined): Found {
  return (value?.keys ?? []).map((key) => [key.api_key, namedRecord(key)])
}
