import * as z from 'zod'
import { type ApiKey, digestOf, type KnownKey, loggablePrefix } from '../../domain/api-keys.ts'
import { CURRENT, holderOf, type Labels, PENDING, PREVIOUS, type SecretCalls } from './secret.ts'
import { type SecretVersions, secretReader } from './secret-cache.ts'

/** The JSON of a version, with whatever else is in it. */
export type KeyJson = Readonly<Record<string, unknown>>

/** A time as people write it; a date alone is its first instant. */
const Time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text).toISOString())

const NamedKey = z.object({
  id: z.string().regex(/^\P{Cc}{1,64}$/u),
  name: z.string().regex(/^\P{Cc}{1,64}$/u),
  api_key: z.string().min(1),
  created_at: Time.optional().catch(undefined),
  // One that cannot be read must not make a key valid for ever.
  expires_at: Time.nullish(),
})

/** An entry of `keys`: the key of one service. */
export type NamedKey = z.output<typeof NamedKey>

/** What a version says, as far as it can be understood. */
export interface KeyValue {
  json: KeyJson
  apiKey: string | undefined
  createdAt: string | undefined
  keys: NamedKey[]
  /** What cannot be understood, without any value. */
  faults: string[]
}

/** Reads the text of a version; `undefined` if it is no JSON object. */
export function readKeyValue(text: string): KeyValue | undefined {
  const json = objectOf(text)
  if (!json) return undefined
  const { api_key, created_at, keys = [] } = json
  const faults: string[] = []
  const hasKey = typeof api_key === 'string' && api_key !== ''
  if (!hasKey) faults.push('api_key is no text')
  if (!Array.isArray(keys)) faults.push('keys is no list')
  const entries = (Array.isArray(keys) ? keys : []).map((entry) => NamedKey.safeParse(entry))
  for (const [index, { success }] of entries.entries()) {
    if (!success) faults.push(`keys.${index} is no {id, name, api_key, expires_at?}`)
  }
  return {
    json,
    apiKey: hasKey ? api_key : undefined,
    createdAt: Time.safeParse(created_at).data,
    keys: entries.flatMap(({ data }) => data ?? []),
    faults,
  }
}

/** The members of `keys` as they stand there, also those that cannot be understood; `undefined` if it is no list. */
export function rawKeys({ json }: KeyValue): unknown[] | undefined {
  const { keys = [] } = json
  return Array.isArray(keys) ? keys : undefined
}

/** The complaint of a parser is left out: it quotes what it could not read. */
function objectOf(text: string): KeyJson | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as KeyJson)
      : undefined
  } catch {
    return undefined
  }
}

/**
 * An edit of the current version, as a label on the edited version tells of it until it is completed.
 *
 * Moving AWSCURRENT makes AWS move AWSPREVIOUS too, although an edit replaces no key. Until that is put right, which a
 * killed process never does, the label says which version is the previous one, and nobody who reads in between
 * refuses its key. It also marks versions that lost against another writer, so that they can be found.
 */
export interface Edit {
  label: string
  /** The version that was edited. */
  base: string
  /** The version that bears AWSPREVIOUS before and after; `undefined`: none. */
  previous: string | undefined
}

/** The versions that matter, by what they are. */
export interface KeyVersions {
  current: string | undefined
  pending: string | undefined
  previous: string | undefined
  /** The edit that made the current version, if it is not completed. */
  unfinished: Edit | undefined
  labels: Labels
  /** `undefined` for a version without a text, or whose text is no JSON object. */
  value(id: string | undefined): KeyValue | undefined
  hasText(id: string | undefined): boolean
}

const EDIT = /^prompts-edit\/([^/]+)\/([^/]+)\/[^/]+$/
const NONE = 'none'

/** @param unique keeps the labels of several writers apart: a label is only ever on one version. */
export function newEdit(base: string, previous: string | undefined, unique: string): Edit {
  return { label: `prompts-edit/${base}/${previous ?? NONE}/${unique.slice(0, 8)}`, base, previous }
}

/** The edit that a version's labels tell of. */
export function editIn(labels: readonly string[] = []): Edit | undefined {
  for (const label of labels) {
    const [, base, previous] = EDIT.exec(label) ?? []
    if (base !== undefined) return { label, base, previous: previous === NONE ? undefined : previous }
  }
  return undefined
}

/** Reads the secret with the API keys. */
export function keyVersionsReader(calls: SecretCalls): () => Promise<SecretVersions | undefined> {
  return secretReader(calls, (labels) => {
    const { current, pending, previous } = placesOf(labels)
    return [current, pending, previous]
  })
}

export function keyVersions({ labels, texts }: SecretVersions): KeyVersions {
  const textOf = (id: string | undefined) => (id === undefined ? undefined : texts.get(id))
  return {
    ...placesOf(labels),
    labels,
    value(id) {
      const text = textOf(id)
      return text === undefined ? undefined : readKeyValue(text)
    },
    hasText: (id) => textOf(id) !== undefined,
  }
}

function placesOf(labels: Labels) {
  const current = holderOf(labels, CURRENT)
  const pending = holderOf(labels, PENDING)
  const unfinished = current === undefined ? undefined : editIn(labels[current])
  return {
    current,
    // After a rotation the label may stay where it was.
    pending: pending === current ? undefined : pending,
    previous: unfinished ? unfinished.previous : holderOf(labels, PREVIOUS),
    unfinished,
  }
}

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
