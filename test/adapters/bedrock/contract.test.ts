import { type End, type ScriptedProvider, textAnswerContract } from '../../contracts/language-model.ts'
import { broken, httpError, text } from '../../stand-ins/bedrock-replies.ts'
import { openBedrock } from './bedrock.ts'

const STOP_REASONS = { stop: 'end_turn', limit: 'max_tokens', filter: 'guardrail_intervened' }

/** How Bedrock refuses a feature for a model that lacks it. */
const REFUSALS = {
  system:
    "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.",
  temperature: "This model doesn't support the temperature field. Remove temperature and try again.",
}

textAnswerContract(async ({ stallMs } = {}): Promise<ScriptedProvider> => {
  const notes: string[] = []
  const note = (message: string) => void notes.push(message)
  const { server, model } = await openBedrock('HTTP/1.1', { note, ...(stallMs && { stallMs }) })
  const lacking = new Set<keyof typeof REFUSALS>()
  server.refuse(({ body }) => {
    const used = { system: body.system, temperature: body.inferenceConfig?.temperature }
    const refused = [...lacking].find((feature) => used[feature] !== undefined)
    return refused && httpError('ValidationException', 400, REFUSALS[refused])
  })
  return {
    model,
    says(said, { end = 'stop' as End, gapMs = 0, size } = {}) {
      if (end === 'cut' || end === 'stall') server.enqueue(broken(text(said), end === 'cut' ? 'end' : end))
      else server.enqueue(text(said, { stopReason: STOP_REASONS[end], gapMs, ...(size && { size }) }))
    },
    lacks: (feature) => void lacking.add(feature),
    notes,
    count: () => server.requests.length,
    asked() {
      const { system = [], messages = [], inferenceConfig, toolConfig } = server.requests.at(-1)?.body ?? {}
      return {
        system: system.map((block) => block.text).join('\n\n'),
        messages: messages.map(({ role, content }) => ({
          role: role as 'user' | 'assistant',
          content: content.map((block) => block.text).join(''),
        })),
        temperature: inferenceConfig?.temperature,
        hasFormat: toolConfig !== undefined,
      }
    },
  }
})
