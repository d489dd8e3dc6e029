import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { components } from './openapi.d.ts'
import { RestError } from './problem.ts'
import { type Answer, type Input, request } from './rest.ts'

const LINE = 'POST /admin/prompts/{topic_id}/run'

export type RunAnswer = Answer<typeof LINE>

/** What is heard while a model answers. */
export interface RunListener {
  onText(text: string): void
  /** What was heard is void: the model is asked once more. */
  onReset(): void
}

/** Asks the model with a draft, and hears its answer as it comes. */
export async function runDraft(input: Input<typeof LINE>, listener: RunListener): Promise<RunAnswer> {
  const { body } = await request(LINE, input as Parameters<typeof request>[1], 'text/event-stream')
  if (!body) throw new RestError({ code: 'unavailable' })
  const events = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader()
  for (;;) {
    const { done, value } = await events.read().catch(() => ({ done: true, value: undefined }) as const)
    if (done) break
    const data: unknown = JSON.parse(value.data)
    if (value.event === 'delta') listener.onText((data as { text: string }).text)
    if (value.event === 'reset') listener.onReset()
    if (value.event === 'result') return data as RunAnswer
    if (value.event === 'error') throw new RestError(data as components['schemas']['Problem'])
  }
  input.signal?.throwIfAborted()
  throw new RestError({ code: 'unreachable' })
}
