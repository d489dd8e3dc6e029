import type { Awaitable } from '../util/awaitable.ts'
import type { PromptTexts, Topic } from './topic.ts'

/** What a snapshot is taken of: the topics that an instance serves. The catalogue is one. */
export interface SnapshotSource {
  /** All topics, deleted ones included. */
  list(): readonly Topic[]

  /**
   * The texts of a topic, by prompt type.
   *
   * @throws AppError `unavailable` when one cannot be read.
   */
  texts(topic: Topic): Awaitable<PromptTexts>

  /** Since when `list` may be old, in an outage; it may then come from a snapshot itself. */
  staleSince(): Date | undefined

  /** Calls `listener` after every change. */
  onChange(listener: () => void): void
}
