import type { ModelAttempt, ModelUse } from '../../src/domain/language-model.ts'
import type { CallEvent } from '../../src/domain/telemetry.ts'

/** An operation that went well, with `more`. */
export function callEvent(more: Partial<CallEvent> = {}): CallEvent {
  const name = 'prompts.fetch'
  return {
    kind: 'operation',
    name,
    caller: 'key:robot',
    outcome: 'ok',
    durationMs: 2,
    requestId: 'r1',
    ...more,
  }
}

/** The use of a model by requests that began just now and took 250 ms each, unless `attempts` say otherwise. */
export function modelUse(model: string, attempts: readonly Partial<ModelAttempt>[]): ModelUse {
  const startedAt = performance.now() - 1_000
  const attemptLog = attempts.map((attempt) => {
    return { startedAt, endedAt: startedAt + 250, inputTokens: 3, outputTokens: 4, ...attempt }
  })
  return { model, input_tokens: 3, output_tokens: 4, attempts: attempts.length, attemptLog }
}
