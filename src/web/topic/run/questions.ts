import type { Draft } from '../../drafts/drafts.ts'
import { RestError } from '../../rest/problem.ts'
import type { Topic } from '../../rest/topics.ts'
import { valuesOf } from '../samples/sample.ts'
import type { Sampling } from '../samples/use-sampling.ts'
import type { Question, Run } from './use-runs.ts'

/** What is run. */
export interface RunProps {
  topic: Topic
  sampling: Sampling
  /** By prompt type. */
  drafts: ReadonlyMap<string, Draft>
}

/** What the model is asked with: the live texts, or the drafts in their place. */
export function questionsOf({ topic, sampling, drafts }: RunProps): { live: Question; draft: Question } {
  const path = { topic_id: topic.topic_id }
  const parameters = valuesOf(topic.allowed_parameters, sampling.samples)
  const prompts = Object.fromEntries([...drafts].map(([type, { text }]) => [type, text]))
  return { live: { path, body: { parameters } }, draft: { path, body: { parameters, prompts } } }
}

/** What is wrong with the values that a run was made with, by parameter. */
export function sampleFaults(run: Run | undefined): Record<string, string> {
  const faults = run?.error instanceof RestError ? run.error.faults : []
  return Object.fromEntries(faults.map(({ path, message }) => [path.replace(/^parameters\./, ''), message]))
}
