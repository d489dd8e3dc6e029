import type { TextListener } from '../../domain/language-model.ts'

/** What a model has said of an answer so far, for every caller that follows it. */
export interface LiveAnswer {
  isEmpty(): boolean
  /** More text. */
  push(text: string): void
  /** Makes what was said equal to the whole answer, which the end of a stream may have changed. */
  settle(answer: string): void
  /**
   * Tells `listener` all that was said so far, and then the rest.
   *
   * @returns ends it.
   */
  follow(listener: TextListener): () => void
}

export function createLiveAnswer(): LiveAnswer {
  const listeners = new Set<TextListener>()
  let said = ''

  function push(text: string): void {
    said += text
    for (const listener of listeners) listener.onText(text)
  }

  return {
    isEmpty: () => said === '',
    push,
    settle(answer) {
      if (answer === said) return
      if (said !== '') for (const listener of listeners) listener.onReset()
      said = ''
      push(answer)
    },
    follow(listener) {
      if (said !== '') listener.onText(said)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
