import type { ModelReply } from '../../domain/language-model.ts'
import type { Chunk } from './chunk.ts'
import { cutFailure, declinedFailure, MAX_ANSWER_BYTES, stoppedFailure, tooLargeFailure } from './failures.ts'
import { fenceFilter } from './fence.ts'

/** Reasons of a model to stop because it had said everything, in the words of several servers. */
const GOOD_REASONS = /^(stop|tool_calls|function_call|stop_sequence|end_turn|eos|eos_token)$/i
/** What one call of a tool counts against the size, whatever its arguments are. */
const CALL_BYTES = 1024

/** Puts an answer together. */
export interface AnswerReader {
  /** @throws ModelFailure `incomplete` if the answer is too large. */
  take(chunk: Chunk): void
  /** Whether some of an answer has come. */
  hasBegun(): boolean
  /** Whether the model has said why it stopped: only the count of tokens may follow. */
  isFinished(): boolean
  /**
   * @returns the reply, and whether its answers are calls of a tool.
   * @throws ModelFailure `incomplete` or `passing` if the answer is not whole.
   */
  end(): ModelReply & { areCalls: boolean }
}

/**
 * @param wanted text, JSON as text, or a call of a tool; a model that calls none may have written its answer as text.
 * @param onDelta is given the first answer piece by piece.
 */
export function answerReader(
  wanted: 'text' | 'json' | 'call',
  onDelta: (delta: string) => void,
): AnswerReader {
  const calls: { index: number | undefined; id: string | undefined; text: string }[] = []
  // Text besides a call is no answer, and whether there will be one is known at the end.
  const fence = fenceFilter(wanted === 'call' ? () => {} : onDelta)
  let text = ''
  let size = 0
  let isDeclined = false
  let finish: string | undefined
  let usage: ModelReply['usage'] = { inputTokens: 0, outputTokens: 0 }

  function takeText(piece: string): void {
    if (piece === '') return
    count(Buffer.byteLength(piece))
    if (wanted === 'text') {
      onDelta(piece)
      text += piece
    } else fence.take(piece)
  }

  function takeCall({ index, id, piece }: Chunk['calls'][number]): void {
    if (wanted !== 'call') return
    let call = calls.findLast((one) => index === undefined || one.index === index)
    // Some servers give every call the same index.
    if (!call || (id !== undefined && call.id !== undefined && id !== call.id)) {
      call = { index, id, text: '' }
      calls.push(call)
      count(CALL_BYTES)
    }
    count(Buffer.byteLength(piece))
    call.text += piece
    if (piece !== '' && call === calls[0]) onDelta(piece)
  }

  function count(bytes: number): void {
    size += bytes
    if (size > MAX_ANSWER_BYTES) throw tooLargeFailure()
  }

  function textAnswer(): string {
    if (wanted === 'text') return text
    const unfenced = fence.end()
    if (wanted === 'call' && unfenced !== '' && calls.length === 0) onDelta(unfenced)
    return unfenced
  }

  return {
    take(chunk) {
      usage = chunk.usage ?? usage
      finish ??= chunk.finish
      isDeclined ||= chunk.isDeclined
      takeText(chunk.content)
      for (const call of chunk.calls) takeCall(call)
    },
    hasBegun: () => size > 0,
    isFinished: () => finish !== undefined,
    end() {
      if (isDeclined) throw declinedFailure(usage)
      if (finish === undefined) throw cutFailure(size > 0)
      if (!GOOD_REASONS.test(finish)) throw stoppedFailure(finish, usage)
      const written = textAnswer()
      const areCalls = calls.length > 0
      const texts = written.trim() === '' ? [] : [written]
      return { answers: areCalls ? calls.map((call) => call.text) : texts, usage, areCalls }
    },
  }
}
