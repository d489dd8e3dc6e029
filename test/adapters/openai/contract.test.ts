import { onTestFinished } from 'vitest'
import type { ModelMessage } from '../../../src/domain/language-model.ts'
import { type End, type ScriptedProvider, textAnswerContract } from '../../contracts/language-model.ts'
import { startOpenAi } from '../../stand-ins/openai.ts'
import { breaksOff, says } from '../../stand-ins/openai-replies.ts'
import { modelAt } from './ask.ts'

const FINISH_REASONS = { stop: 'stop', limit: 'length', filter: 'content_filter' }

textAnswerContract(async (): Promise<ScriptedProvider> => {
  const server = await startOpenAi()
  onTestFinished(() => server.stop())
  return {
    model: modelAt(server.baseUrl),
    says(said, { end = 'stop' as End, gapMs } = {}) {
      if (end === 'cut' || end === 'stall') server.script(breaksOff(said, end === 'cut' ? 'end' : end))
      else server.script(says(said, { finish: FINISH_REASONS[end], ...(gapMs && { everyMs: gapMs }) }))
    },
    asked() {
      const { messages = [], response_format, tools } = server.chats.at(-1)?.body ?? {}
      return {
        system: messages.find(({ role }) => role === 'system')?.content ?? '',
        messages: messages.filter(({ role }) => role !== 'system') as ModelMessage[],
        hasFormat: response_format !== undefined || tools !== undefined,
      }
    },
  }
})
