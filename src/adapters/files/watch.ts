import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { StoreEvent, StoreListener, StoreWatch } from '../../domain/topic.ts'
import type { Layout } from './layout.ts'
import { createSignatures } from './signatures.ts'

/** Notifications of the operating system get lost now and then (overflow, network drives): compare all files so often. */
const SWEEP_MS = 60_000
/** Events that follow each other faster than this belong together. */
const MAX_QUIET_MS = 100
const REPORTED_TOGETHER = 100

/**
 * Watches the folders of a store, not its files: a general watcher keeps a handle for every file, this one for
 * every folder, and a store of 10,000 topics has 20,000 files. Events that belong together (an editor's truncate
 * and write, a `git pull`) are reported together. No folder shows what happens behind a symbolic link, so topics with
 * links are looked at all the time.
 *
 * @param freshnessMs how soon a change is reported, at the latest.
 * @param warn is called when folders cannot be watched, so that all files are compared all the time instead.
 * @param dueEdits is asked for topics to report although nothing happens to them; see `HandEdits.due`.
 */
export async function watchFolders(
  layout: Layout,
  {
    freshnessMs,
    warn,
    topicIds,
    dueEdits,
    listener,
  }: {
    freshnessMs: number
    warn: (message: string) => void
    topicIds: () => string[]
    dueEdits: () => string[]
    listener: StoreListener
  },
): Promise<StoreWatch> {
  const lookMs = freshnessMs / 2
  let reachable = true
  let isSweeping = false
  let identity = identityOf(layout)
  let lookedAt = performance.now()
  const signatures = createSignatures(layout, topicIds)
  const limits = { quietMs: Math.min(MAX_QUIET_MS, freshnessMs / 4), latestMs: lookMs }
  const changes = createDebounce(limits, report)
  const watchers = createFolderWatchers((path, code) =>
    warn(`cannot watch ${path} (${code}); looking at all files every ${lookMs} ms instead`),
  )

  /** A checkout changes thousands of topics: what else waits goes first in between. */
  async function report(changed: string[]): Promise<void> {
    for (let at = 0; reachable && at < changed.length; at += REPORTED_TOGETHER) {
      const topic_ids = changed.slice(at, at + REPORTED_TOGETHER)
      signatures.refresh(topic_ids)
      notify({ topic_ids, reachable })
      await setImmediate()
    }
  }

  function notify(event: StoreEvent): void {
    // What the listener could not take over is reported again once the store can be read.
    Promise.resolve(listener(event)).catch(lose)
  }

  function lose(cause: unknown): void {
    if (!reachable) return
    reachable = false
    notify({ topic_ids: [], reachable, cause })
  }

  function restore(found: string): void {
    watchStore(layout, watchers, changes.add)
    signatures.clear()
    const reset = found !== identity
    identity = found
    reachable = true
    changes.add(...topicIds())
    notify({ topic_ids: [], reachable, reset })
  }

  function look(): void {
    try {
      // A folder that was moved away or unmounted says nothing: its watchers just fall silent.
      const found = identityOf(layout)
      lookedAt = performance.now()
      if (!reachable || found !== identity) restore(found)
      else changes.add(...changedLinks(), ...dueEdits())
      if (isSweepDue()) sweep().catch(lose)
    } catch (cause) {
      lose(cause)
    }
  }

  function isSweepDue(): boolean {
    return !signatures.haveBaseline() || watchers.haveFailed() || signatures.ageMs() > SWEEP_MS
  }

  /** Compares all files; with the first look for the first time, because a start must not wait for it. */
  async function sweep(): Promise<void> {
    if (isSweeping) return
    isSweeping = true
    try {
      const isFirst = !signatures.haveBaseline()
      const changed = await signatures.update()
      // The first time it has nothing to compare with; what links lead to may have changed since the start.
      changes.add(...(isFirst ? signatures.linked() : changed))
    } finally {
      isSweeping = false
    }
  }

  function changedLinks(): string[] {
    const relinked = signatures.updateLinked()
    for (const topic_id of relinked) {
      // The folder may be another one now.
      watchers.unwatch(layout.promptFolder(topic_id))
      watchTexts(layout, watchers, topic_id, changes.add)
    }
    return relinked
  }

  watchStore(layout, watchers, changes.add)
  const timer = setInterval(look, lookMs)
  timer.unref()

  return {
    // Notifications come by themselves and fast; there is nothing to ask for.
    catchUp: () => undefined,
    ageMs: () => performance.now() - lookedAt,
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
  const onPromptFolder = (topic_id: string) => {
    if (!isIdentifier(topic_id)) return
    // The folder may be a new one under an old name.
    watchers.unwatch(layout.promptFolder(topic_id))
    watchTexts(layout, watchers, topic_id, add)
    add(topic_id)
  }
  watchers.close()
  watchers.watch(layout.topics, onTopicFile)
  watchers.watch(layout.states, onTopicFile)
  watchers.watch(layout.prompts, onPromptFolder)
  for (const topic_id of readdirSync(layout.prompts)) {
    if (isIdentifier(topic_id)) watchTexts(layout, watchers, topic_id, add)
  }
}

function watchTexts(
  layout: Layout,
  watchers: FolderWatchers,
  topic_id: string,
  add: (topic_id: string) => void,
): void {
  watchers.watch(layout.promptFolder(topic_id), () => add(topic_id))
}

/**
 * Gathers ids and hands them out together.
 *
 * @param quietMs hands out when nothing was added for so long,
 * @param latestMs or when the first one was added so long ago.
 */
export function createDebounce(
  { quietMs, latestMs }: { quietMs: number; latestMs: number },
  flush: (ids: string[]) => unknown,
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

/** Changes when one of the folders is another one than before. */
function identityOf(layout: Layout): string {
  const facts = [layout.topics, layout.prompts, layout.states].map((path) => statSync(path))
  // A new folder may get the number of the one that was removed.
  return facts.map(({ ino, birthtimeMs }) => `${ino}@${birthtimeMs}`).join(':')
}
