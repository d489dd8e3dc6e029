import {
  type AskOptions,
  type LanguageModel,
  ModelFailure,
  type ModelRequest,
} from '../../src/domain/language-model.ts'

/** What a scripted model does when it is asked: says something in pieces, fails, or takes its time. */
export type Reply = string | string[] | ModelFailure | ((options: AskOptions) => Promise<string>)

export const ANALYSIS = {
  analysis: 'Revenue is 5% below threshold.',
  recommendations: ['Focus on enterprise sales', 'Review pricing strategy'],
  severity: 'warning',
}
export const GOOD = JSON.stringify(ANALYSIS)

/** Never answers; ends when it is told to. */
export const hang: Reply = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

export const transient = () => new ModelFailure('transient', 'The model is busy.')

/** A model that gives these replies, one each time it is asked. */
export function scriptedModel(...replies: Reply[]): LanguageModel & { requests: ModelRequest[] } {
  const requests: ModelRequest[] = []
  return {
    requests,
    async ask(request, options) {
      requests.push(request)
      const reply = replies.shift() ?? new ModelFailure('refused', 'The script has ended.')
      if (reply instanceof ModelFailure) throw reply
      let said = ''
      const onDelta = (piece: string) => {
        said += piece
        options.onDelta?.(piece)
      }
      const pieces = typeof reply === 'function' ? [await reply({ ...options, onDelta })] : [reply].flat()
      for (const piece of pieces) onDelta(piece)
      return { answers: [said], stopReason: 'end', usage: { inputTokens: 10, outputTokens: 5 } }
    },
  }
}
