import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { isIdentifier } from '../../domain/identifiers.ts'
import type { Layout } from './layout.ts'

/** The watched folders of a store: two for all topics, and one for the texts of each. */
export interface StoreFolders {
  /** Watches all of them from the beginning: the folders may be other ones than before. */
  restart(): void
  /** Watches the folder with a topic's texts from the beginning. */
  rewatch(topic_id: string): void
  /** Whether a folder could not be watched; nothing new is watched then. */
  haveFailed(): boolean
  close(): void
}

/**
 * Watches the folders of a store.
 *
 * @param onTopic is called with the id of a topic whose files have changed.
 * @param onFailure is called once, with the path of a folder that cannot be watched and the code of the error.
 * @throws Error when a folder of the store cannot be read.
 */
export function watchStoreFolders(
  layout: Layout,
  onTopic: (topic_id: string) => void,
  onFailure: (path: string, code: string | undefined) => void,
): StoreFolders {
  const watchers = createFolderWatchers(onFailure)

  function onTopicFile(name: string): void {
    if (!name.endsWith('.json')) return
    const topic_id = name.slice(0, -'.json'.length)
    if (isIdentifier(topic_id)) onTopic(topic_id)
  }

  function onPromptFolder(topic_id: string): void {
    if (!isIdentifier(topic_id)) return
    // The folder may be a new one under an old name.
    rewatch(topic_id)
    onTopic(topic_id)
  }

  function rewatch(topic_id: string): void {
    watchers.watch(layout.promptFolder(topic_id), () => onTopic(topic_id))
  }

  function restart(): void {
    watchers.close()
    watchers.watch(layout.topics, onTopicFile)
    watchers.watch(layout.states, onTopicFile)
    watchers.watch(layout.prompts, onPromptFolder)
    for (const topic_id of readdirSync(layout.prompts)) {
      if (isIdentifier(topic_id)) rewatch(topic_id)
    }
  }

  restart()
  return { restart, rewatch, haveFailed: watchers.haveFailed, close: watchers.close }
}

interface FolderWatchers {
  /** Calls `onEntry` with the name of every entry of a folder that changes, instead of what watched the folder before. */
  watch(path: string, onEntry: (name: string) => void): void
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
      unwatch(path)
      if (failed) return
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
    haveFailed: () => failed,
    close() {
      for (const path of [...watchers.keys()]) unwatch(path)
    },
  }
}
