import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { PromptInfo } from '../../domain/topic.ts'
import type { BodyPlace } from './object-store.ts'

/** What an object says of itself. Objects that this program did not write have no revision. */
export interface BodyFacts {
  revision?: number
  sha256?: string
  bytes: number
  updated_at: string
  updated_by: string
  /** The text that was published before this one. */
  previous?: BodyPlace
}

/** Author of objects that do not tell theirs. */
const UNKNOWN_AUTHOR = 'unknown'

/** The metadata of the object that `info` describes. Headers are ASCII, names of people are not. */
export function metadataOf(info: PromptInfo, previous: BodyPlace | undefined): Record<string, string> {
  return {
    revision: String(info.revision),
    sha256: info.sha256,
    'updated-at': info.updated_at,
    'updated-by': encodeURIComponent(info.updated_by),
    ...(previous && { 'previous-key': previous.s3_key }),
    ...(previous?.s3_version_id !== undefined && { 'previous-version': previous.s3_version_id }),
  }
}

/** The reverse of {@link metadataOf}. */
export function factsIn({ Metadata = {}, ContentLength, LastModified }: HeadObjectCommandOutput): BodyFacts {
  const key = Metadata['previous-key']
  const version = Metadata['previous-version']
  return {
    ...(Metadata['revision'] !== undefined && { revision: Number(Metadata['revision']) }),
    ...(Metadata['sha256'] !== undefined && { sha256: Metadata['sha256'] }),
    bytes: ContentLength ?? 0,
    updated_at: Metadata['updated-at'] ?? (LastModified ?? new Date(0)).toISOString(),
    updated_by: decoded(Metadata['updated-by'] ?? UNKNOWN_AUTHOR),
    ...(key !== undefined && {
      previous: { s3_key: key, ...(version !== undefined && { s3_version_id: version }) },
    }),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
