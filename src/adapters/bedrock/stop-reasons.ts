import { ModelFailure, type TokenCount } from '../../domain/language-model.ts'

/** A whole answer. */
const GOOD = /^(end_turn|tool_use|stop_sequence)$/

/** Why an answer is not whole: for callers, and what an operator can do. */
const BAD: Record<string, [message: string, advice: string]> = {
  max_tokens: [
    'The answer is longer than the model may write.',
    "raise the topic's config.max_tokens, or ask for less.",
  ],
  model_context_window_exceeded: [
    'The prompt and its answer are too long for the model.',
    'shorten the prompt or its parameters, or choose a model with a larger context window.',
  ],
  content_filtered: [
    "The model's content filter stopped the answer.",
    'change what the prompt asks for, or choose another model.',
  ],
  guardrail_intervened: [
    'A guardrail stopped the answer.',
    "look up in the guardrail's trace what it found, and change the prompt or the guardrail (config.guardrail).",
  ],
  malformed_model_output: [
    'The model wrote something that cannot be read.',
    "try again, lower the topic's config.temperature, or choose another model.",
  ],
  malformed_tool_use: [
    'The model did not write its answer in the form that it was asked for.',
    "try again, lower the topic's config.temperature, or choose another model.",
  ],
}

/**
 * @param usage what the answer took.
 * @throws ModelFailure `incomplete` unless the model came to the end of its answer.
 */
export function requireWhole(stopReason: string | undefined, usage: TokenCount): void {
  if (stopReason !== undefined && GOOD.test(stopReason)) return
  const code = stopReason && /^[a-z_]{1,60}$/.test(stopReason) ? stopReason : 'unknown'
  const [message, advice] = BAD[code] ?? [
    'The model stopped before its answer was whole.',
    'it gave a reason that this program does not know.',
  ]
  throw new ModelFailure('incomplete', message, { operatorMessage: `${message} (${code}): ${advice}`, usage })
}
