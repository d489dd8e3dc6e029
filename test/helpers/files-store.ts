import { type Layout, openLayout } from '../../src/adapters/files/layout.ts'
import { fileTopics } from '../../src/adapters/files/topics.ts'
import { filePrompts } from '../../src/adapters/files/versions.ts'
import type { PromptStore } from '../../src/domain/prompt-store.ts'
import type { TopicRepository } from '../../src/domain/topic.ts'
import { systemClock } from '../../src/util/time.ts'

/** How soon the stores of these tests notice what others do. */
export const FRESHNESS_MS = 400
/** How long files must be quiet here before an incomplete edit counts. */
export const SETTLE_MS = 300

/**
 * A files store in `folder`, as a program that has just been started sees it.
 *
 * @param settleMs how long files must be quiet before an incomplete edit counts.
 */
export function openFiles(
  folder: string,
  settleMs = SETTLE_MS,
): { layout: Layout; topics: TopicRepository; prompts: PromptStore } {
  const layout = openLayout(folder)
  const topics = fileTopics(layout, {
    clock: systemClock,
    freshnessMs: FRESHNESS_MS,
    settleMs,
    warn: () => {},
  })
  return { layout, topics, prompts: filePrompts(layout) }
}
