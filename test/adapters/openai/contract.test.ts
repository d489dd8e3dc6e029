import { onTestFinished } from 'vitest'
import { openAiModel } from '../../../src/adapters/openai/model.ts'
import type { ModelMessage } from '../../../src/domain/language-model.ts'
import { type End, type ScriptedProvider, textAnswerContract } from '../../contracts/language-model.ts'
import { startOpenAi } from '../../stand-ins/openai.ts'
import { breaksOff, says } from '../../stand-ins/openai-replies.ts'
import { KEY } from './ask.ts'

const FINISH_REASONS = { stop: 'stop', limit: 'length', filter: 'content_filter' }
/** As many as the contract's limit. */
const USAGE = { prompt_tokens: 20, completion_tokens: 500 }

textAnswerContract(async ({ stallMs } = {}): Promise<ScriptedProvider> => {
  const server = await startOpenAi()
  onTestFinished(() => server.stop())
  const notes: string[] = []
  const note = (message: string) => void notes.push(message)
  return {
    model: openAiModel({
      baseUrl: server.baseUrl,
      apiKey: async () => KEY,
      note,
      ...(stallMs && { stallMs }),
    }),
    says(said, { end = 'stop' as End, gapMs, size } = {}) {
      if (end === 'cut' || end === 'stall') server.script(breaksOff(said, end === 'cut' ? 'end' : end))
      else {
        const manner = { ...(gapMs && { everyMs: gapMs }), ...(size && { size }) }
        server.script(says(said, { finish: FINISH_REASONS[end], usage: USAGE, ...manner }))
      }
    },
    lacks(feature) {
      server.abilities[feature] = 'refused'
    },
    notes,
    count: () => server.chats.length,
    asked() {
      const { messages = [], temperature, response_format, tools } = server.chats.at(-1)?.body ?? {}
      return {
        system: messages.find(({ role }) => role === 'system')?.content ?? '',
        messages: messages.filter(({ role }) => role !== 'system') as ModelMessage[],
        temperature,
        hasFormat: response_format !== undefined || tools !== undefined,
      }
    },
  }
})
