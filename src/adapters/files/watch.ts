import { statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { StoreEvent, StoreListener, StoreWatch } from '../../domain/topic.ts'
import { createDebounce } from './debounce.ts'
import type { Layout } from './layout.ts'
import { createSignatures } from './signatures.ts'
import { watchStoreFolders } from './store-folders.ts'

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
  const folders = watchStoreFolders(layout, changes.add, (path, code) =>
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
    folders.restart()
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
    return !signatures.haveBaseline() || folders.haveFailed() || signatures.ageMs() > SWEEP_MS
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
    // The folder may be another one now.
    for (const topic_id of relinked) folders.rewatch(topic_id)
    return relinked
  }

  const timer = setInterval(look, lookMs)
  timer.unref()

  return {
    // Notifications come by themselves and fast; there is nothing to ask for.
    catchUp: () => undefined,
    ageMs: () => performance.now() - lookedAt,
    async close() {
      clearInterval(timer)
      changes.close()
      folders.close()
    },
  }
}

/** Changes when one of the folders is another one than before. */
function identityOf(layout: Layout): string {
  const facts = [layout.topics, layout.prompts, layout.states].map((path) => statSync(path))
  // A new folder may get the number of the one that was removed.
  return facts.map(({ ino, birthtimeMs }) => `${ino}@${birthtimeMs}`).join(':')
}
