import { ModelFailure, type TokenCount } from '../../domain/language-model.ts'

/** All that the model wrote are its thoughts. */
export function onlyThoughtFailure(usage: TokenCount): ModelFailure {
  const message = 'The model wrote its reasoning, but no answer.'
  const operatorMessage = `${message} Check how the server tells the two apart (its reasoning parser), turn the model's thinking off, or raise max_tokens in the topic's config.`
  return new ModelFailure('incomplete', message, { operatorMessage, usage, stopReason: 'other' })
}

/** @param ms how long a stream was silent in the middle of its answer. */
export function stalledFailure(ms: number): ModelFailure {
  return new ModelFailure('transient', `The model sent nothing for ${ms / 1000} seconds within its answer.`)
}
