import type { Topic } from '../../domain/topic.ts'
import type { Catalog, CatalogChange } from '../../services/catalog/catalog.ts'
import { isPrompt, promptOf } from './prompts.ts'
import { resourcesOf, resourceUri } from './resources.ts'
import { skillUri } from './skills.ts'

/** What clients are notified of after a burst of changes. */
export interface ChangeNotice {
  promptsChanged: boolean
  resourcesChanged: boolean
  updatedUris: string[]
}

/** A burst ends when nothing has changed for so long: longer than stores gather events for … */
const QUIET_MS = 250
/** … and is announced at the latest after so long. */
const LATEST_MS = 500

/** Calls `notify` once for each burst of changes, by this or another process. */
export function announceChanges(catalog: Catalog, notify: (notice: ChangeNotice) => void): void {
  let pending: ChangeNotice | undefined
  let quiet: NodeJS.Timeout | undefined
  let since = 0

  catalog.onChange((changes) => {
    if (!pending) since = Date.now()
    pending = changes.reduce(
      withChange,
      pending ?? { promptsChanged: false, resourcesChanged: false, updatedUris: [] },
    )
    clearTimeout(quiet)
    quiet = setTimeout(announce, Math.min(QUIET_MS, Math.max(0, since + LATEST_MS - Date.now())))
    quiet.unref()
  })

  function announce(): void {
    const notice = pending as ChangeNotice
    pending = undefined
    notify({ ...notice, updatedUris: [...new Set(notice.updatedUris)] })
  }
}

function withChange(notice: ChangeNotice, { before, after }: CatalogChange): ChangeNotice {
  return {
    promptsChanged: notice.promptsChanged || listedPrompt(before) !== listedPrompt(after),
    resourcesChanged: notice.resourcesChanged || listedResources(before) !== listedResources(after),
    updatedUris: notice.updatedUris.concat(updatedUris(before, after)),
  }
}

function listedPrompt(topic: Topic | undefined): string {
  return topic && isPrompt(topic) ? JSON.stringify([topic.display_order, promptOf(topic)]) : ''
}

function listedResources(topic: Topic | undefined): string {
  return topic?.is_active ? JSON.stringify([topic.display_order, resourcesOf(topic)]) : ''
}

/** Resources that existed before and read differently now, or not at all. */
function updatedUris(before: Topic | undefined, after: Topic | undefined): string[] {
  if (!before?.is_active) return []
  const kept = after?.is_active ? after.prompts : []
  const texts = before.prompts.filter(
    ({ prompt_type, sha256 }) => kept.find((info) => info.prompt_type === prompt_type)?.sha256 !== sha256,
  )
  const skill = skillUri(before)
  return [
    resourceUri(before.topic_id),
    ...(skill === undefined ? [] : [skill]),
    ...texts.map((info) => resourceUri(before.topic_id, info.prompt_type)),
  ]
}
