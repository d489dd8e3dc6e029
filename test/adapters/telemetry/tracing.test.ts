import { expect, it, onTestFinished } from 'vitest'
import { otlpTracing } from '../../../src/adapters/telemetry/tracing.ts'
import type { CallEvent } from '../../../src/domain/telemetry.ts'
import { callEvent, modelUse } from '../../helpers/call-events.ts'
import { startOtlp } from '../../stand-ins/otlp.ts'

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'
const EVENTS: CallEvent[] = [
  callEvent({ name: 'ordinary' }),
  callEvent({ name: 'refused', outcome: 'invalid_input' }),
  callEvent({ name: 'failed', outcome: 'internal' }),
  callEvent({ name: 'asked', use: modelUse('m', [{}]) }),
  callEvent({ name: 'traced', origin: { traceparent: `${PARENT}-01` } }),
  callEvent({ name: 'untraced', outcome: 'internal', origin: { traceparent: `${PARENT}-00` } }),
  callEvent({ kind: 'authentication', name: 'authenticate' }),
]

/** Spans of these events by a receiver of the test's own. */
async function spansOf(events: readonly CallEvent[], ratio: number) {
  const otlp = await startOtlp()
  onTestFinished(() => otlp.stop())
  const warn = (message: string) => expect.fail(message)
  const tracing = otlpTracing({ endpoint: otlp.url, ratio, stage: 'dev', provider: 'openai', warn })
  for (const event of events) tracing.observe(event)
  await tracing.close()
  return otlp.spans()
}

it.each([
  [0, ['asked', 'chat m', 'failed', 'traced']],
  [1, ['asked', 'chat m', 'failed', 'ordinary', 'refused', 'traced']],
])('with a share of %d it records what its caller or its matter asks for', async (ratio, expected) => {
  const spans = await spansOf(EVENTS, ratio)
  expect(spans.map(({ name }) => name).sort()).toEqual(expected)
})

it('says which conversation a call and its requests to models belong to', async () => {
  const conversation_id = '0f8fad5b-d9cb-469f-a165-70867728950e'
  const spans = await spansOf([callEvent({ conversation_id, use: modelUse('m', [{}]) })], 1)
  expect(spans).toHaveLength(2)
  for (const { attributes } of spans) expect(attributes['gen_ai.conversation.id']).toBe(conversation_id)
})
