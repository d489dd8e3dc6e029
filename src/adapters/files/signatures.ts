import { existsSync, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { Layout } from './layout.ts'

/** What stands at a path, without its content. */
export interface PathFacts {
  /** Changes with the file that the path leads to. */
  signature: string
  /** When that file, or a link to it, was changed, replaced or renamed last; 0 if nothing is there. */
  changedAt: number
  isLink: boolean
}

/** The files of a topic, without their contents. */
export interface TopicFacts {
  definition: PathFacts
  folder: PathFacts
  /** By the names of their files. */
  texts: ReadonlyMap<string, PathFacts>
}

export function topicFacts(layout: Layout, topic_id: string): TopicFacts {
  let types: string[] = []
  try {
    types = textTypesIn(layout.promptFolder(topic_id))
  } catch {
    // No prompts yet, or no folder that can be read.
  }
  return {
    definition: pathFacts(layout.definition(topic_id)),
    folder: pathFacts(layout.promptFolder(topic_id)),
    texts: new Map(types.map((type) => [type, pathFacts(layout.body(topic_id, type))])),
  }
}

/** All files of a topic as one text to compare. */
export function signatureOf({ definition, texts }: TopicFacts): string {
  const parts = [...texts].map(([type, { signature }]) => `${type}=${signature}`)
  return [definition.signature, ...parts].join('|')
}

/** The paths behind which a topic's files may change although no folder of the store shows it. */
function linksOf(layout: Layout, topic_id: string, { definition, folder, texts }: TopicFacts): string[] {
  const all: [string, PathFacts][] = [
    [layout.definition(topic_id), definition],
    [layout.promptFolder(topic_id), folder],
    ...[...texts].map(([type, facts]): [string, PathFacts] => [layout.body(topic_id, type), facts]),
  ]
  return all.filter(([, { isLink }]) => isLink).map(([path]) => path)
}

/** Whether another file is at `path` than when `before` was seen. */
export function hasChanged(path: string, before: PathFacts): boolean {
  return pathFacts(path).signature !== before.signature
}

/** The prompt types of which a folder holds a text. */
export function textTypesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md') && isIdentifier(name.slice(0, -3)))
    .map((name) => name.slice(0, -3))
    .sort()
}

export function pathFacts(path: string): PathFacts {
  let own: Stats | undefined
  try {
    own = lstatSync(path, { throwIfNoEntry: false })
    if (!own) return { signature: '-', changedAt: 0, isLink: false }
    const isLink = own.isSymbolicLink()
    const target = isLink ? statSync(path) : own
    return {
      signature: signatureIn(target),
      changedAt: Math.max(own.ctimeMs, target.ctimeMs),
      isLink,
    }
  } catch (error) {
    // A link to nothing or to itself, or a folder in its place that may not be entered.
    const signature = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    const isLink = own?.isSymbolicLink() ?? false
    return { signature, changedAt: Math.max(own?.ctimeMs ?? 0, isLink ? lossTime(path) : 0), isLink }
  }
}

function signatureIn({ ino, mtimeMs, size }: Stats): string {
  return `${ino}:${mtimeMs}:${size}`
}

/** What links lead to, as one text to compare. */
function targetsOf(links: readonly string[]): string {
  const targets = links.map((link) => {
    try {
      return signatureIn(statSync(link))
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  })
  return targets.join('|')
}

/** When the target of a link went, at the latest: the nearest folder that is left has changed then. */
function lossTime(link: string): number {
  try {
    let path = resolve(dirname(link), readlinkSync(link))
    do path = dirname(path)
    while (!existsSync(path))
    return statSync(path).mtimeMs
  } catch {
    // It changes right now.
    return Date.now()
  }
}

/** Looked at before what else waits goes first: a look at everything must not hold up requests, or a lock's refresh. */
const LOOKED_AT_TOGETHER = 100

/** Times and sizes of all files of a store, compared from look to look. */
export function createSignatures(layout: Layout, topicIds: () => string[]) {
  let last: Map<string, string> | undefined
  let updatedAt = performance.now()
  /** Of the topics that have links. */
  const linked = new Map<string, { links: string[]; targets: string }>()

  function look(topic_id: string): string {
    const facts = topicFacts(layout, topic_id)
    const links = linksOf(layout, topic_id, facts)
    if (links.length > 0) linked.set(topic_id, { links, targets: targetsOf(links) })
    else linked.delete(topic_id)
    return `${signatureOf(facts)}|${pathFacts(layout.state(topic_id)).signature}`
  }

  return {
    /** Ids of the topics of which a file has changed since the last call: all, if there was none. */
    async update(): Promise<string[]> {
      updatedAt = performance.now()
      const seen = last ?? new Map<string, string>()
      last = seen
      const changed: string[] = []
      // Those that are gone are known from before.
      const ids = new Set([...topicIds(), ...seen.keys()])
      let count = 0
      for (const topic_id of ids) {
        const signature = look(topic_id)
        if (seen.get(topic_id) !== signature) changed.push(topic_id)
        seen.set(topic_id, signature)
        count++
        if (count % LOOKED_AT_TOGETHER === 0) await setImmediate()
      }
      return changed
    },
    /** Ids of the topics of which a link leads to something else than before. Looks at links only, and so costs little. */
    updateLinked(): string[] {
      const changed = [...linked].filter(([, { links, targets }]) => targetsOf(links) !== targets)
      const ids = changed.map(([topic_id]) => topic_id)
      for (const topic_id of ids) last?.set(topic_id, look(topic_id))
      return ids
    },
    /** Takes note of changes that were noticed otherwise: a file may be a link now. */
    refresh(topic_ids: readonly string[]): void {
      for (const topic_id of topic_ids) last?.set(topic_id, look(topic_id))
    },
    linked: (): string[] => [...linked.keys()],
    haveBaseline: () => last !== undefined,
    /** Milliseconds since the last look at everything. */
    ageMs: () => performance.now() - updatedAt,
    /** Makes all topics changed ones. */
    clear() {
      last = undefined
    },
  }
}
