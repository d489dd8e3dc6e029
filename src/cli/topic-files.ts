import { structuredPatch } from 'diff'
import { layoutOf } from '../adapters/files/layout.ts'
import { formatDefinition } from '../adapters/files/working-copy.ts'
import type { TopicContent } from '../domain/topic.ts'

/** A file of a folder of topics that is not the same on both sides. */
export interface FileDifference {
  /** For example `prompts/greeting/user.md`. */
  path: string
  change: 'only here' | 'only there' | 'different'
  /** How the file there becomes the file here, as a unified diff without its head. */
  diff?: string
}

/** The files of topics, by path in the folder. */
export function filesOf(contents: readonly TopicContent[]): Map<string, string> {
  const layout = layoutOf('')
  return new Map(
    contents.flatMap(({ definition, texts }) => {
      const { topic_id } = definition
      const bodies = Object.entries(texts).map(([type, text]) => [layout.body(topic_id, type), text] as const)
      return [[layout.definition(topic_id), formatDefinition(definition)] as const, ...bodies]
    }),
  )
}

/** What differs, by path. */
export function differencesOf(
  here: readonly TopicContent[],
  there: readonly TopicContent[],
): FileDifference[] {
  const [mine, theirs] = [filesOf(here), filesOf(there)]
  const paths = [...new Set([...mine.keys(), ...theirs.keys()])].sort()
  return paths.flatMap((path): FileDifference[] => {
    const [own, other] = [mine.get(path), theirs.get(path)]
    if (own === other) return []
    if (own === undefined) return [{ path, change: 'only there' }]
    if (other === undefined) return [{ path, change: 'only here' }]
    return [{ path, change: 'different', diff: unifiedDiff(other, own) }]
  })
}

function unifiedDiff(before: string, after: string): string {
  const { hunks } = structuredPatch('', '', before, after, '', '', { context: 3 })
  return hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines].join('\n'),
    )
    .join('\n')
}
