import { type End, type ScriptedProvider, textAnswerContract } from '../../contracts/language-model.ts'
import { broken, text } from '../../stand-ins/bedrock-replies.ts'
import { openBedrock } from './bedrock.ts'

const STOP_REASONS = { stop: 'end_turn', limit: 'max_tokens', filter: 'guardrail_intervened' }

textAnswerContract(async (): Promise<ScriptedProvider> => {
  const { server, model } = await openBedrock()
  return {
    model,
    says(said, { end = 'stop' as End, gapMs = 0 } = {}) {
      if (end === 'cut' || end === 'stall') server.enqueue(broken(text(said), end === 'cut' ? 'end' : end))
      else server.enqueue(text(said, { stopReason: STOP_REASONS[end], gapMs }))
    },
    asked() {
      const { system = [], messages = [], toolConfig } = server.requests.at(-1)?.body ?? {}
      return {
        system: system.map((block) => block.text).join('\n\n'),
        messages: messages.map(({ role, content }) => ({
          role: role as 'user' | 'assistant',
          content: content.map((block) => block.text).join(''),
        })),
        hasFormat: toolConfig !== undefined,
      }
    },
  }
})
