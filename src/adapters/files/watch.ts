import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { StoreEvent, StoreListener, StoreWatch } from '../../domain/topic.ts'
import type { Layout } from './layout.ts'

/** Notifications of the operating system get lost now and then (overflow, network drives): look again so often. */
const SWEEP_MS = 60_000

/**
 * Watches the folders of a store, not its files: a general watcher keeps a handle for every file, this one for
 * every folder, and a store of 10,000 topics has 20,000 files. Events that belong together (an editor's truncate
 * and write, a `git pull`) are told together.
 */
export async function watchFolders(
  layout: Layout,
  options: {
    freshnessMs: number
    warn: (message: string) => void
    topicIds: () => string[]
    listener: StoreListener
  },
): Promise<StoreWatch> {
  const { freshnessMs, warn } = options
  const listener = (event: StoreEvent) => {
    // What could not be taken over is told again once the store can be read.
    Promise.resolve(options.listener(event)).catch(lose)
  }
  // Told when nothing has happened for so long, or at the latest when so long has passed.
  const settleMs = Math.min(100, freshnessMs / 4)
  const latestMs = freshnessMs / 2
  const watchers = new Map<string, FSWatcher>()
  const dirty = new Set<string>()
  let settled: NodeJS.Timeout | undefined
  let firstAt = 0
  let reachable = true
  let polling = false
  let identity = identityOf(layout)
  /** Taken with the first look, not before: a start must not wait for it. */
  let signatures: Map<string, string> | undefined
  let sweptAt = performance.now()

  function touch(topic_id: string): void {
    if (!isIdentifier(topic_id)) return
    if (dirty.size === 0) firstAt = performance.now()
    dirty.add(topic_id)
    clearTimeout(settled)
    settled = setTimeout(flush, Math.max(0, Math.min(settleMs, firstAt + latestMs - performance.now())))
  }

  function flush(): void {
    settled = undefined
    const topic_ids = [...dirty]
    dirty.clear()
    if (reachable) listener({ topic_ids, reachable })
  }

  function watchFolder(path: string, onEntry: (name: string) => void): void {
    if (watchers.has(path) || polling) return
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => name !== null && onEntry(String(name)))
      watcher.on('error', () => unwatch(path))
      watchers.set(path, watcher)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A folder that has just gone is no trouble: its parent tells.
      if (code === 'ENOENT' || code === 'ENOTDIR') return
      polling = true
      warn(`cannot watch ${path} (${code}); looking at all files every ${freshnessMs / 2} ms instead`)
    }
  }

  function unwatch(path: string): void {
    watchers.get(path)?.close()
    watchers.delete(path)
  }

  const onTopicFile = (name: string) => {
    if (name.endsWith('.json')) touch(name.slice(0, -5))
  }
  const onPromptFolder = (topic_id: string) => {
    if (!isIdentifier(topic_id)) return
    const path = layout.promptFolder(topic_id)
    // The folder may be a new one under an old name: begin anew.
    unwatch(path)
    watchFolder(path, () => touch(topic_id))
    touch(topic_id)
  }

  function watchAll(): void {
    for (const path of [...watchers.keys()]) unwatch(path)
    watchFolder(layout.topics, onTopicFile)
    watchFolder(layout.states, onTopicFile)
    watchFolder(layout.prompts, onPromptFolder)
    for (const topic_id of readdirSync(layout.prompts)) {
      if (isIdentifier(topic_id)) watchFolder(layout.promptFolder(topic_id), () => touch(topic_id))
    }
  }

  /** Compares every file's time and size with the last look. */
  function sweep(): void {
    const before = signatures ?? new Map<string, string>()
    const now = signaturesNow()
    for (const topic_id of new Set([...now.keys(), ...before.keys()])) {
      if (now.get(topic_id) !== before.get(topic_id)) touch(topic_id)
    }
    signatures = now
  }

  function signaturesNow(): Map<string, string> {
    sweptAt = performance.now()
    return new Map(options.topicIds().map((topic_id) => [topic_id, signatureOf(layout, topic_id)]))
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
    if (!reachable || found !== identity) {
      const reset = found !== identity
      identity = found
      reachable = true
      watchAll()
      signatures = new Map()
      sweep()
      listener({ topic_ids: [], reachable, reset })
    } else if (signatures === undefined) signatures = signaturesNow()
    else if (polling || performance.now() - sweptAt > SWEEP_MS) sweep()
  }

  function lose(): void {
    if (!reachable) return
    reachable = false
    listener({ topic_ids: [], reachable })
  }

  watchAll()
  const timer = setInterval(look, freshnessMs / 2)
  timer.unref()

  return {
    // Notifications come by themselves and fast; there is nothing to ask for.
    catchUp: () => undefined,
    async close() {
      clearInterval(timer)
      clearTimeout(settled)
      for (const path of [...watchers.keys()]) unwatch(path)
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
  let bodies: string[] = []
  try {
    bodies = readdirSync(folder).map((name) => join(folder, name))
  } catch {
    // No prompts yet.
  }
  return [layout.definition(topic_id), layout.state(topic_id), ...bodies].map(fileSignature).join('|')
}

function fileSignature(path: string): string {
  try {
    const facts = statSync(path, { throwIfNoEntry: false })
    return facts ? `${facts.mtimeMs}:${facts.size}` : '-'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}
