import type { Topic } from '../../domain/topic.ts'
import { readTextFile, replaceFile } from './durable.ts'
import type { Layout } from './layout.ts'
import { isMissing } from './working-copy.ts'

/** The record of a topic as last published. Replacing this file is the instant at which a change happens. */
export interface TopicState {
  topic: Topic
  /** True until the files that people see show this record: after a crash, the next reader completes them. */
  pending: boolean
  /** Highest revision that each prompt type ever had, deleted ones included: none is ever used again. */
  revisions: Record<string, number>
}

/** The state that follows `previous` when `topic` is published. */
export function nextState(previous: TopicState | undefined, topic: Topic, pending: boolean): TopicState {
  const revisions = { ...previous?.revisions }
  for (const { prompt_type, revision } of topic.prompts) revisions[prompt_type] = revision
  return { topic, pending, revisions }
}

export function readState(layout: Layout, topic_id: string): TopicState | undefined {
  const hint = `fix or remove .purposepath/state/${topic_id}.json (removing it forgets revisions and history)`
  let text: string
  try {
    text = readTextFile(layout.state(topic_id))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  try {
    const state: TopicState = JSON.parse(text)
    // Only this program writes these files: the first members show whether something else did.
    if (state.topic.topic_id === topic_id && Array.isArray(state.topic.prompts) && state.revisions)
      return state
  } catch {
    // Not JSON, or not an object.
  }
  throw new Error(`its record is invalid: ${hint}.`)
}

export async function writeState(layout: Layout, state: TopicState): Promise<void> {
  await replaceFile(layout, layout.state(state.topic.topic_id), `${JSON.stringify(state, null, 2)}\n`)
}
