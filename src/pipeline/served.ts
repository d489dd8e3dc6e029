import type { PromptTexts, Topic } from '../domain/topic.ts'
import type { Result } from './operation.ts'

/**
 * What is answered of a topic's texts: the same objects for as long as the texts are the same, so that a transport may
 * keep what it wrote of them.
 */
export interface Served {
  answer: Result<{ topic_id: string; prompts: PromptTexts }>
  part: { prompts: PromptTexts }
  /** Bytes of the part's JSON. */
  bytes: number
}

const served = new WeakMap<PromptTexts, Served>()
const lasting = new WeakSet<object>()

/** @param prompts the texts of `topic`, the catalogue's own object. */
export function servedOf({ topic_id, revision }: Topic, prompts: PromptTexts): Served {
  let known = served.get(prompts)
  if (!known) {
    const answer = { data: { topic_id, prompts }, meta: { revision } }
    const part = { prompts }
    known = { answer, part, bytes: Buffer.byteLength(JSON.stringify(part)) }
    served.set(prompts, known)
    lasting.add(answer).add(part)
  }
  return known
}

/** Whether `object` is one that will be answered again as it is. */
export function isLasting(object: unknown): object is object {
  return typeof object === 'object' && object !== null && lasting.has(object)
}
