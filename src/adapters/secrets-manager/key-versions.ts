import { type KeyValue, readKeyValue } from './key-value.ts'
import { CURRENT, holderOf, type Labels, PENDING, PREVIOUS, type SecretCalls } from './secret-calls.ts'
import { type SecretVersions, secretReader } from './secret-reader.ts'

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
