import {
  type ModelAttempt,
  ModelFailure,
  type ModelReply,
  type ModelUse,
  type TokenCount,
} from '../domain/language-model.ts'

type DeltaListener = ((delta: string) => void) | undefined

/** The use of a model by one call, before its first request. */
export function startUse(model: string): ModelUse {
  const use = { model, input_tokens: 0, output_tokens: 0, attempts: 0 }
  return Object.defineProperty(use, 'attemptLog', { value: [] })
}

/**
 * Makes a request to the model and adds to `use` what it took, however it ends.
 *
 * @param ask makes the request, with the listener that it is given.
 */
export async function recorded(
  use: ModelUse,
  onDelta: DeltaListener,
  ask: (onDelta: DeltaListener) => Promise<ModelReply>,
): Promise<ModelReply> {
  const attempt: ModelAttempt = { startedAt: performance.now(), inputTokens: 0, outputTokens: 0 }
  use.attempts++
  use.attemptLog?.push(attempt)
  const hear = (delta: string) => {
    attempt.firstChunkAt ??= performance.now()
    onDelta?.(delta)
  }
  const end = (usage: TokenCount | undefined, facts: Partial<ModelAttempt>) => {
    Object.assign(attempt, usage, facts, { endedAt: performance.now() })
    use.input_tokens += attempt.inputTokens
    use.output_tokens += attempt.outputTokens
  }
  try {
    const reply = await ask(onDelta && hear)
    end(reply.usage, { stopReason: reply.stopReason })
    return reply
  } catch (error) {
    if (error instanceof ModelFailure) end(error.usage, { failure: error.kind, stopReason: error.stopReason })
    else end(undefined, { failure: 'aborted' })
    throw error
  }
}
