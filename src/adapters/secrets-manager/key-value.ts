import * as z from 'zod'

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
