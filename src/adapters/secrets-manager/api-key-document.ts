import * as z from 'zod'
import { type ApiKey, digestOf, type HashedKey, loggablePrefix } from '../../domain/api-keys.ts'
import { CURRENT, holderOf, type Labels, PENDING, PREVIOUS, type SecretCalls } from './secret.ts'
import { type SecretVersions, secretReader } from './secret-cache.ts'
import { parseObject, SecretText } from './secret-text.ts'

/** Name of the key that rotates: in the secret it has none. */
export const ROTATING_NAME = 'backend'

/** The JSON of a version, with all members that other programs keep there. */
export type KeyJson = Readonly<Record<string, unknown>>

/** An ISO 8601 time; a date alone is its first instant. */
const Time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text).toISOString())

const NamedKey = z.object({
  id: z.string().regex(/^\P{Cc}{1,64}$/u),
  name: z.string().regex(/^\P{Cc}{1,64}$/u),
  api_key: SecretText,
  created_at: Time.optional().catch(undefined),
  // An unreadable time must not make a key valid for ever.
  expires_at: Time.nullish(),
})

/** An entry of `keys`: the key of one service. */
export type NamedKey = z.output<typeof NamedKey>

/** What a version says, as far as it can be read. */
export interface KeyDocument {
  json: KeyJson
  /** The key that rotates, without a final line break. */
  apiKey: string | undefined
  createdAt: string | undefined
  keys: NamedKey[]
  /** What cannot be read, without any value. */
  faults: string[]
}

/**
 * Reads the text of a version; `undefined` if it is not a JSON object.
 *
 * @example parseKeyDocument('{"api_key": "ppath_svc_dev_…"}')?.apiKey
 */
export function parseKeyDocument(text: string): KeyDocument | undefined {
  const json = parseObject(text)
  if (!json) return undefined
  const { api_key, created_at, keys = [] } = json
  const faults: string[] = []
  const apiKey = SecretText.safeParse(api_key).data
  if (apiKey === undefined) faults.push('api_key is no text')
  if (!Array.isArray(keys)) faults.push('keys is no list')
  const entries = (Array.isArray(keys) ? keys : []).map((entry) => NamedKey.safeParse(entry))
  for (const [index, { success }] of entries.entries()) {
    if (!success) faults.push(`keys.${index} is no {id, name, api_key, expires_at?}`)
  }
  return {
    json,
    apiKey,
    createdAt: Time.safeParse(created_at).data,
    keys: entries.flatMap(({ data }) => data ?? []),
    faults,
  }
}

/** The entries of `keys` as they are stored, also those that cannot be read; `undefined` if it is not a list. */
export function rawKeys({ json }: KeyDocument): unknown[] | undefined {
  const { keys = [] } = json
  return Array.isArray(keys) ? keys : undefined
}

/**
 * An edit of the current version, recorded in a label on the edited version until it is completed.
 *
 * Moving AWSCURRENT makes AWS move AWSPREVIOUS too, although an edit replaces no key. Until that is corrected, which a
 * killed process never does, the label says which version is the previous one, so that readers in between do not refuse
 * its key. It also marks versions that lost against another writer, so that they can be found.
 */
export interface Edit {
  label: string
  /** The version that was edited. */
  base: string
  /** The version that has AWSPREVIOUS before and after; `undefined`: none. */
  previous: string | undefined
}

const EDIT = /^prompts-edit\/([^/]+)\/([^/]+)\/[^/]+$/
const NONE = 'none'

/** @param unique keeps the labels of several writers apart: a label is only ever on one version. */
export function newEdit(base: string, previous: string | undefined, unique: string): Edit {
  return { label: `prompts-edit/${base}/${previous ?? NONE}/${unique.slice(0, 8)}`, base, previous }
}

/** The edit that one of a version's labels records. */
export function editIn(labels: readonly string[] = []): Edit | undefined {
  for (const label of labels) {
    const [, base, previous] = EDIT.exec(label) ?? []
    if (base !== undefined) return { label, base, previous: previous === NONE ? undefined : previous }
  }
  return undefined
}

/** The versions that count, by their stage. */
export interface KeyVersions {
  current: string | undefined
  pending: string | undefined
  previous: string | undefined
  /** The edit that made the current version, if it is not completed. */
  unfinished: Edit | undefined
  labels: Labels
  /** `undefined` for a version without a text, or whose text is not a JSON object. */
  document(id: string | undefined): KeyDocument | undefined
  hasText(id: string | undefined): boolean
}

/** Reads the secret with the API keys, for {@link keyVersions}. */
export function keyVersionsReader(calls: SecretCalls): () => Promise<SecretVersions | undefined> {
  return secretReader(calls, (labels) => {
    const { current, pending, previous } = stagesOf(labels)
    return [current, pending, previous]
  })
}

export function keyVersions({ labels, texts }: SecretVersions): KeyVersions {
  const textOf = (id: string | undefined) => (id === undefined ? undefined : texts.get(id))
  return {
    ...stagesOf(labels),
    labels,
    document(id) {
      const text = textOf(id)
      return text === undefined ? undefined : parseKeyDocument(text)
    },
    hasText: (id) => textOf(id) !== undefined,
  }
}

function stagesOf(labels: Labels) {
  const current = holderOf(labels, CURRENT)
  const pending = holderOf(labels, PENDING)
  const unfinished = current === undefined ? undefined : editIn(labels[current])
  return {
    current,
    // After a rotation the label may still be on the version that is now the current one.
    pending: pending === current ? undefined : pending,
    previous: unfinished ? unfinished.previous : holderOf(labels, PREVIOUS),
    unfinished,
  }
}

/** Every key of the secret once, expired ones too. A key in several versions has the record of the best one. */
export function hashedKeys(versions: KeyVersions): HashedKey[] {
  const { pending, unfinished } = versions
  const current = versions.document(versions.current)
  const next = versions.document(pending)
  const previous = versions.document(versions.previous)
  const all = [
    ...rotatingKey(current, 'current'),
    ...rotatingKey(next, 'pending'),
    ...rotatingKey(previous, 'previous'),
    ...namedKeys(current),
    // An edit cancels a pending rotation: a key that it has removed must not count from there.
    ...(unfinished ? [] : namedKeys(next)),
  ]
  const byDigest = new Map<string, HashedKey>()
  for (const [key, record] of all) {
    const digest = digestOf(key)
    const name = digest.toString('hex')
    if (!byDigest.has(name)) byDigest.set(name, { record, digest })
  }
  return [...byDigest.values()]
}

/** What cannot be read of the versions that count, by stage and without any value. */
export function faultsOf(versions: KeyVersions): string[] {
  const { current, pending, previous } = versions
  const stages = [
    [CURRENT, current],
    [PENDING, pending],
    [PREVIOUS, previous],
  ] as const
  return stages.flatMap(([stage, id]) => {
    if (!versions.hasText(id)) return []
    const faults = versions.document(id)?.faults ?? ['it is no JSON object']
    return faults.map((fault) => `${stage}: ${fault}`)
  })
}

/** The record of the key that rotates. @param id its stage. */
export function rotatingRecord({ apiKey = '', createdAt }: KeyDocument, id: string): ApiKey {
  return {
    id,
    name: ROTATING_NAME,
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

type KeyWithRecord = [key: string, record: ApiKey]

function rotatingKey(document: KeyDocument | undefined, id: string): KeyWithRecord[] {
  return document?.apiKey === undefined ? [] : [[document.apiKey, rotatingRecord(document, id)]]
}

function namedKeys(document: KeyDocument | undefined): KeyWithRecord[] {
  return (document?.keys ?? []).map((key) => [key.api_key, namedRecord(key)])
}
