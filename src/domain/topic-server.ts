import type { FieldError } from './errors.ts'
import type { TopicContent, TopicDefinition } from './topic.ts'

/** A topic on a running server, at a revision of its record. */
export interface ServedTopic extends TopicContent {
  revision: number
}

/** What a server shows of its topics. */
interface ServedTopics {
  topics: ServedTopic[]
  /** False when the credential may see active topics only. */
  isComplete: boolean
}

/**
 * A running server of this program, as it can be edited from outside. Every edit names the revision that it was made
 * from, and fails with `conflict` when there is another one meanwhile.
 */
export interface TopicServer {
  /** @throws AppError `conflict` when a topic is edited while it is read. */
  all(): Promise<ServedTopics>

  /**
   * The revision of each prompt of a topic, by prompt type.
   *
   * @throws AppError `conflict` when the topic is at another revision.
   */
  promptRevisions(topic: ServedTopic): Promise<ReadonlyMap<string, number>>

  /** What the server would refuse in a text. */
  check(topic_id: string, prompt_type: string, text: string): Promise<FieldError[]>

  /** All of it or nothing. */
  create(content: TopicContent): Promise<void>

  /** Changes everything but the texts and the type of a topic. */
  update(definition: TopicDefinition, revision: number): Promise<void>

  /** @param revision of the prompt; `undefined` for a new one. */
  saveText(topic_id: string, prompt_type: string, text: string, revision: number | undefined): Promise<void>

  deleteText(topic_id: string, prompt_type: string, revision: number): Promise<void>

  /** Deletes a topic softly. */
  deleteTopic(topic_id: string, revision: number): Promise<void>
}
