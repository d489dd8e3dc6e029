import { describe, expect, it } from 'vitest'
import type {
  LanguageModel,
  ModelFailure,
  ModelMessage,
  ModelRequest,
} from '../../src/domain/language-model.ts'

/** How the provider ends its answer: by itself, at its limit of tokens, by a filter, without saying so, or not at all. */
export type End = 'stop' | 'limit' | 'filter' | 'cut' | 'stall'

/** A model whose provider is a stand-in. */
export interface ScriptedProvider {
  model: LanguageModel
  /** The provider's next answer: this text, in deltas of a few characters. */
  says(text: string, options?: { end?: End; gapMs?: number }): void
  /** What the last request asked the model, and whether it asked for a structured answer. */
  asked(): { system: string; messages: ModelMessage[]; hasFormat: boolean }
}

const REQUEST: ModelRequest = {
  model: 'some-model',
  system: ['You are a coach.'],
  messages: [
    { role: 'user', content: 'Where do I begin?' },
    { role: 'assistant', content: 'With your values.' },
    { role: 'user', content: 'And then?' },
  ],
  maxTokens: 500,
  temperature: 0.7,
  config: {},
}
const TEXT = 'Then with *one* goal – "write it down" 📝.\n\n1. Small.\n2. Dated.\n'

/** What every LanguageModel promises about a plain-text answer, streamed or not. */
export function textAnswerContract(open: () => Promise<ScriptedProvider>): void {
  describe.each([{ isStreaming: false }, { isStreaming: true }])(
    'a text, streaming: $isStreaming',
    ({ isStreaming }) => {
      async function ask({ model }: ScriptedProvider, more: Partial<ModelRequest> = {}, signal = never()) {
        const deltas: string[] = []
        const onDelta = isStreaming ? (delta: string) => void deltas.push(delta) : undefined
        return { ...(await model.ask({ ...REQUEST, ...more }, { signal, onDelta })), deltas }
      }
      const failureOf = async (provider: ScriptedProvider) => {
        const deltas: string[] = []
        const onDelta = isStreaming ? (delta: string) => void deltas.push(delta) : undefined
        const failure = await provider.model.ask(REQUEST, { signal: never(), onDelta }).then(
          () => expect.unreachable('the answer should have failed'),
          (error: ModelFailure) => error,
        )
        return { failure, deltas }
      }

      it('is the one answer, as the model wrote it', async () => {
        const provider = await open()
        provider.says(TEXT)
        const { answers, usage, deltas } = await ask(provider)
        expect(answers).toEqual([TEXT])
        expect(usage.inputTokens).toBeGreaterThan(0)
        expect(usage.outputTokens).toBeGreaterThan(0)
        expect(deltas.join('')).toBe(isStreaming ? TEXT : '')
        if (isStreaming) expect(deltas.length).toBeGreaterThan(3)
      })

      it.each(['```json\n{"analysis": "x"}\n```', '{"analysis":"x"}', ' \n leading', 'trailing \n'])(
        'is left alone, whatever it looks like: %j',
        async (text) => {
          const provider = await open()
          provider.says(text)
          const { answers, deltas } = await ask(provider)
          expect(answers).toEqual([text])
          expect(deltas.join('')).toBe(isStreaming ? text : '')
        },
      )

      it('answers the whole conversation, and no form of answer is asked for', async () => {
        const provider = await open()
        provider.says(TEXT)
        await ask(provider)
        expect(provider.asked()).toEqual({
          system: 'You are a coach.',
          messages: REQUEST.messages,
          hasFormat: false,
        })
      })

      it('may be asked for without system texts and temperature', async () => {
        const provider = await open()
        provider.says(TEXT)
        const more = { system: [], temperature: undefined }
        expect((await ask(provider, more)).answers).toEqual([TEXT])
        expect(provider.asked()).toMatchObject({ system: '', messages: REQUEST.messages })
      })

      it('that is empty is no answer', async () => {
        const provider = await open()
        provider.says('')
        expect(await ask(provider)).toMatchObject({ answers: [], deltas: [] })
      })

      it.each(['limit', 'filter'] as const)('that ends by a %s is incomplete, and counted', async (end) => {
        const provider = await open()
        provider.says(TEXT, { end })
        const { failure, deltas } = await failureOf(provider)
        expect(failure).toMatchObject({ name: 'ModelFailure', kind: 'incomplete' })
        expect(failure.usage?.outputTokens).toBeGreaterThan(0)
        expect(`${failure.message} ${failure.operatorMessage}`).not.toContain('write it down')
        expect(deltas.join('')).toBe(isStreaming ? TEXT : '')
      })

      it('that ends without a reason to stop is a transient failure', async () => {
        const provider = await open()
        provider.says(TEXT, { end: 'cut' })
        const { failure, deltas } = await failureOf(provider)
        expect(failure).toMatchObject({ name: 'ModelFailure', kind: 'transient' })
        expect(TEXT.startsWith(deltas.join(''))).toBe(true)
        expect(deltas.length > 0).toBe(isStreaming)
      })

      it('ends with the signal', async () => {
        const provider = await open()
        provider.says(TEXT, { end: 'stall' })
        const controller = new AbortController()
        const asked = ask(provider, {}, controller.signal)
        setTimeout(() => controller.abort('the caller went away'), 50)
        await expect(asked).rejects.toBe('the caller went away')
      })
    },
  )

  it('a text arrives while it is written', async () => {
    const provider = await open()
    provider.says(TEXT, { gapMs: 20 })
    const arrivals: number[] = []
    const onDelta = () => void arrivals.push(performance.now())
    await provider.model.ask(REQUEST, { signal: never(), onDelta })
    const endedAt = performance.now()
    expect(endedAt - (arrivals[0] as number)).toBeGreaterThan(40)
  })
}

const never = () => new AbortController().signal
