import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { StoreEvent, StoreListener, StoreWatch } from '../../domain/topic.ts'
import type { Layout } from './layout.ts'

/** Notifications of the operating system get lost now and then (overflow, network drives): compare all files so often. */
const SWEEP_MS = 60_000
/** Events that follow each other faster than this belong together. */
const MAX_QUIET_MS = 100

/**
 * Watches the folders of a store, not its files: a general watcher keeps a handle for every file, this one for
 * every folder, and a store of 10,000 topics has 20,000 files. Events that belong together (an editor's truncate
 * and write, a `git pull`) are reported together.
 *
 * @param freshnessMs how soon a change is reported, at the latest.
 * @param warn is called when folders cannot be watched, so that all files are compared all the time instead.
 */
export async function watchFolders(
  layout: Layout,
  {
    freshnessMs,
    warn,
    topicIds,
    listener,
  }: {
    freshnessMs: number
    warn: (message: string) => void
    topicIds: () => string[]
    listener: StoreListener
  },
): Promise<StoreWatch> {
  const lookMs = freshnessMs / 2
  let reachable = true
  let identity = identityOf(layout)
  const signatures = createSignatures(layout, topicIds)
  const limits = { quietMs: Math.min(MAX_QUIET_MS, freshnessMs / 4), latestMs: lookMs }
  const changes = createDebounce(limits, (topic_ids) => {
    if (reachable) notify({ topic_ids, reachable })
  })
  const watchers = createFolderWatchers((path, code) =>
    warn(`cannot watch ${path} (${code}); looking at all files every ${lookMs} ms instead`),
  )

  function notify(event: StoreEvent): void {
    // What the listener could not take over is reported again once the store can be read.
    Promise.resolve(listener(event)).catch(lose)
  }

  function lose(): void {
    if (!reachable) return
    reachable = false
    notify({ topic_ids: [], reachable })
  }

  function restore(found: string): void {
    const reset = found !== identity
    identity = found
    reachable = true
    watchStore(layout, watchers, changes.add)
    signatures.clear()
    changes.add(...signatures.update())
    notify({ topic_ids: [], reachable, reset })
  }

  function look(): void {
    let found: string
    try {
      // A folder that was moved away or unmounted says nothing: its watchers just fall silent.
      found = identityOf(layout)
    } catch {
      lose()
      return
    }
    if (!reachable || found !== identity) restore(found)
    // With the first look, not before: a start must not wait for it.
    else if (!signatures.haveBaseline()) signatures.update()
    else if (watchers.haveFailed() || signatures.ageMs() > SWEEP_MS) changes.add(...signatures.update())
  }

  watchStore(layout, watchers, changes.add)
  const timer = setInterval(look, lookMs)
  timer.unref()

  return {
    // Notifications come by themselves and fast; there is nothing to ask for.
    catchUp: () => undefined,
    async close() {
      clearInterval(timer)
      changes.close()
      watchers.close()
    },
  }
}

/** Watches every folder of a store from the beginning; `add` is called with the ids of topics that have changed. */
function watchStore(layout: Layout, watchers: FolderWatchers, add: (topic_id: string) => void): void {
  const addTopic = (topic_id: string) => {
    if (isIdentifier(topic_id)) add(topic_id)
  }
  const onTopicFile = (name: string) => {
    if (name.endsWith('.json')) addTopic(name.slice(0, -'.json'.length))
  }
  const watchPrompts = (topic_id: string) =>
    watchers.watch(layout.promptFolder(topic_id), () => add(topic_id))
  const onPromptFolder = (topic_id: string) => {
    if (!isIdentifier(topic_id)) return
    // The folder may be a new one under an old name.
    watchers.unwatch(layout.promptFolder(topic_id))
    watchPrompts(topic_id)
    add(topic_id)
  }
  watchers.close()
  watchers.watch(layout.topics, onTopicFile)
  watchers.watch(layout.states, onTopicFile)
  watchers.watch(layout.prompts, onPromptFolder)
  for (const topic_id of readdirSync(layout.prompts)) if (isIdentifier(topic_id)) watchPrompts(topic_id)
}

/**
 * Gathers ids and hands them out together.
 *
 * @param quietMs hands out when nothing was added for so long,
 * @param latestMs or when the first one was added so long ago.
 */
export function createDebounce(
  { quietMs, latestMs }: { quietMs: number; latestMs: number },
  flush: (ids: string[]) => void,
): { add(...ids: string[]): void; close(): void } {
  const gathered = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let firstAt = 0

  function handOut(): void {
    const ids = [...gathered]
    gathered.clear()
    flush(ids)
  }

  return {
    add(...ids) {
      if (ids.length === 0) return
      if (gathered.size === 0) firstAt = performance.now()
      for (const id of ids) gathered.add(id)
      clearTimeout(timer)
      timer = setTimeout(handOut, Math.max(0, Math.min(quietMs, firstAt + latestMs - performance.now())))
    },
    close: () => clearTimeout(timer),
  }
}

interface FolderWatchers {
  /** Calls `onEntry` with the name of every entry of a folder that changes. A folder that is watched already stays so. */
  watch(path: string, onEntry: (name: string) => void): void
  unwatch(path: string): void
  /** Whether a folder could not be watched; nothing new is watched then. */
  haveFailed(): boolean
  /** Ends all. */
  close(): void
}

/** @param onFailure is called once, with the path of the folder and the code of the error. */
function createFolderWatchers(onFailure: (path: string, code: string | undefined) => void): FolderWatchers {
  const watchers = new Map<string, FSWatcher>()
  let failed = false

  function unwatch(path: string): void {
    watchers.get(path)?.close()
    watchers.delete(path)
  }

  return {
    watch(path, onEntry) {
      if (watchers.has(path) || failed) return
      try {
        const watcher = watch(
          path,
          { persistent: false },
          (_, name) => name !== null && onEntry(String(name)),
        )
        watcher.on('error', () => unwatch(path))
        watchers.set(path, watcher)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        // A folder that has just gone needs no watching: the one above it tells.
        if (code === 'ENOENT' || code === 'ENOTDIR') return
        failed = true
        onFailure(path, code)
      }
    },
    unwatch,
    haveFailed: () => failed,
    close() {
      for (const path of [...watchers.keys()]) unwatch(path)
    },
  }
}

/** Times and sizes of all files of a store, compared from look to look. */
export function createSignatures(layout: Layout, topicIds: () => string[]) {
  let last: Map<string, string> | undefined
  let updatedAt = performance.now()

  return {
    /** Ids of the topics of which a file has changed since the last call: all, if there was none. */
    update(): string[] {
      updatedAt = performance.now()
      const before = last ?? new Map<string, string>()
      const now = new Map(topicIds().map((topic_id) => [topic_id, signatureOf(layout, topic_id)]))
      last = now
      const ids = new Set([...now.keys(), ...before.keys()])
      return [...ids].filter((topic_id) => now.get(topic_id) !== before.get(topic_id))
    },
    haveBaseline: () => last !== undefined,
    /** Milliseconds since the last look. */
    ageMs: () => performance.now() - updatedAt,
    /** Makes all topics changed ones. */
    clear() {
      last = undefined
    },
  }
}

/** Changes when one of the folders is another one than before. */
function identityOf(layout: Layout): string {
  const facts = [layout.topics, layout.prompts, layout.states].map((path) => statSync(path))
  // A new folder may get the number of the one that was removed.
  return facts.map(({ ino, birthtimeMs }) => `${ino}@${birthtimeMs}`).join(':')
}

/** Times and sizes of all files of a topic, as one text to compare. */
function signatureOf(layout: Layout, topic_id: string): string {
  const folder = layout.promptFolder(topic_id)
  let texts: string[] = []
  try {
    texts = readdirSync(folder).map((name) => join(folder, name))
  } catch {
    // No prompts yet.
  }
  return [layout.definition(topic_id), layout.state(topic_id), ...texts].map(fileSignature).join('|')
}

function fileSignature(path: string): string {
  try {
    const facts = statSync(path, { throwIfNoEntry: false })
    return facts ? `${facts.mtimeMs}:${facts.size}` : '-'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}
