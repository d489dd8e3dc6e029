import type { ModelReply, ModelRequest } from '../../domain/language-model.ts'
import { createJsonFilter, createTextFilter, isWholeObject } from '../../domain/model-text.ts'
import { onlyThoughtFailure } from '../models/failures.ts'
import type { Chunk } from './chunk.ts'
import { cutFailure, declinedFailure, MAX_ANSWER_BYTES, stoppedFailure, tooLargeFailure } from './errors.ts'

/** Stop reasons of a complete answer, as various servers spell them. */
const COMPLETE = /^(stop|tool_calls|function_call|stop_sequence|end_turn|eos|eos_token)$/i
/** Those of an answer that is not whole, however it looks. */
const INCOMPLETE = /^(length|max_tokens|content_filter|safety)$/i
/** Bytes that every call of a tool counts as, besides its arguments. */
const CALL_BYTES = 1024

/** Puts an answer together from its chunks. */
export interface ResponseCollector {
  /** @throws ModelFailure `incomplete` if the answer is too large. */
  push(chunk: Chunk): void
  /** Whether some of the answer has arrived. */
  hasBegun(): boolean
  /** Whether the model writes: its answer, or what it thinks. */
  isWriting(): boolean
  /** Whether the model has stopped: only the count of tokens may follow. */
  isStopped(): boolean
  /** Whether the answer is whole by its form, even if the model has not said that it stopped. */
  isWhole(): boolean
  /**
   * @param isEnded whether the server ended the answer in good order.
   * @returns the reply, and whether its answers are calls of a tool.
   * @throws ModelFailure `incomplete` or `transient` if the answer is not complete.
   */
  finish(isEnded: boolean): ModelReply & { areCalls: boolean }
}

export interface Wanted {
  /** Text, JSON as text, or a call of a tool; a model that calls none may have written its answer as text. */
  kind: 'text' | 'json' | 'call'
  maxTokens: ModelRequest['maxTokens']
}

/** @param onDelta gets the first answer piece by piece. */
export function createResponseCollector(
  { kind, maxTokens }: Wanted,
  onDelta: (delta: string) => void,
): ResponseCollector {
  const calls: Call[] = []
  // Text beside a call is not the answer; whether there is a call is known only at the end.
  const filter =
    kind === 'text' ? createTextFilter(onDelta) : createJsonFilter(kind === 'call' ? undefined : onDelta)
  let size = 0
  let hasReasoned = false
  let isDeclined = false
  let stopReason: string | undefined
  let usage: ModelReply['usage'] = { inputTokens: 0, outputTokens: 0 }

  function pushText(piece: string): void {
    if (piece === '') return
    addSize(Buffer.byteLength(piece))
    filter.push(piece)
  }

  function pushCall({ index, id, piece }: Chunk['calls'][number]): void {
    if (kind !== 'call') return
    let call = calls.findLast((one) => index === undefined || one.index === index)
    if (!call || isAnother(call, id)) {
      call = { index, id, text: '', isDoubtful: call !== undefined }
      calls.push(call)
      addSize(CALL_BYTES)
    }
    addSize(Buffer.byteLength(piece))
    call.text += piece
    if (piece !== '' && call === calls[0]) onDelta(piece)
  }

  function addSize(bytes: number): void {
    size += bytes
    if (size > MAX_ANSWER_BYTES) throw tooLargeFailure()
  }

  function written() {
    const { answer, rest } = filter.finish()
    const texts = answer.trim() === '' ? [] : [answer]
    const inputs = calls.filter(({ isDoubtful, text }) => !isDoubtful || text.trim() !== '')
    return calls.length > 0 ? { answers: inputs.map(({ text }) => text), rest: '' } : { answers: texts, rest }
  }

  function isWhole(): boolean {
    if (kind === 'text') return false
    const { answers } = written()
    return answers.length > 0 && answers.every(isWholeObject)
  }

  /** @throws ModelFailure unless the model came to the end of its answer. */
  function requireComplete(isEnded: boolean): void {
    if (isDeclined) throw declinedFailure(usage)
    if (stopReason === undefined) {
      // A text has no form that shows its end.
      const isEndedText = isEnded && kind === 'text' && size > 0
      if (!isEndedText && !isWhole() && !hasOnlyThought(isEnded)) throw cutFailure(size > 0)
    } else if (INCOMPLETE.test(stopReason) || !(COMPLETE.test(stopReason) || isWhole())) {
      throw stoppedFailure(stopReason, { usage, maxTokens })
    }
    if (hasOnlyThought(isEnded)) throw onlyThoughtFailure(usage)
  }

  function hasOnlyThought(isEnded: boolean): boolean {
    const hasThought = hasReasoned || filter.hasThought()
    return hasThought && (isEnded || stopReason !== undefined) && written().answers.length === 0
  }

  return {
    push(chunk) {
      usage = chunk.usage ?? usage
      stopReason ??= chunk.stopReason
      isDeclined ||= chunk.isDeclined
      hasReasoned ||= chunk.hasReasoning
      pushText(chunk.content)
      for (const call of chunk.calls) pushCall(call)
    },
    hasBegun: () => size > 0,
    isWriting: () => size > 0 || hasReasoned,
    isStopped: () => stopReason !== undefined,
    isWhole,
    finish(isEnded) {
      requireComplete(isEnded)
      const { answers, rest } = written()
      if (rest !== '') onDelta(rest)
      const isStated = stopReason !== undefined && COMPLETE.test(stopReason)
      return {
        answers,
        stopReason: isStated ? 'end' : 'unstated',
        usage,
        areCalls: calls.length > 0,
      }
    },
  }
}

interface Call {
  index: number | undefined
  id: string | undefined
  text: string
  /** Whether only its id tells it from the call before. */
  isDoubtful: boolean
}

/**
 * Whether a piece begins another call with the same index. Some servers give every call the same index, others every
 * piece its own id: only a call that is whole is not continued.
 */
function isAnother(call: Call, id: string | undefined): boolean {
  const isOtherId = id !== undefined && call.id !== undefined && id !== call.id
  return isOtherId && call.text.endsWith('}') && isWholeObject(call.text)
}
