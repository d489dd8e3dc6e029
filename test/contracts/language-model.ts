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
  says(text: string, options?: { end?: End; gapMs?: number; size?: number }): void
  /** Makes the provider refuse a feature, in its own words. */
  lacks(feature: 'system' | 'temperature'): void
  /** What was noted for the log. */
  notes: string[]
  /** How many requests there were. */
  count(): number
  /** What the last request asked the model, and whether it asked for a structured answer. */
  asked(): { system: string; messages: ModelMessage[]; temperature: number | undefined; hasFormat: boolean }
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
export function textAnswerContract(
  open: (options?: { stallMs?: number }) => Promise<ScriptedProvider>,
): void {
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
        const { answers, stopReason, usage, deltas } = await ask(provider)
        expect(answers).toEqual([TEXT])
        expect(stopReason).toBe('end')
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
          temperature: 0.7,
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

      it.each([
        `<think>Who asks?\n</think>\n\n${TEXT}`,
        `\n<thinking>\nA list, then.</thinking>${TEXT}`,
        `<think>\n\n</think>\n\n<THINK>Once more. </ think></THINK>\n${TEXT}`,
      ])('has nothing of what the model thought before: %j', async (text) => {
        for (const size of [1, 7, 1_000]) {
          const provider = await open()
          provider.says(text, { size })
          const { answers, deltas } = await ask(provider)
          expect(answers).toEqual([TEXT])
          expect(deltas.join('')).toBe(isStreaming ? TEXT : '')
        }
      })

      it.each(['<thin', '<thinker>', 'Write <think>x</think> around it.', '< think>x</think>', '  '])(
        'may look like a thought: %j',
        async (text) => {
          const provider = await open()
          provider.says(`${text}${TEXT}`, { size: 1 })
          const { answers, deltas } = await ask(provider)
          expect(answers).toEqual([`${text}${TEXT}`])
          expect(deltas.join('')).toBe(isStreaming ? `${text}${TEXT}` : '')
        },
      )

      it('that is nothing but a thought is incomplete, and says so', async () => {
        const provider = await open()
        provider.says('<think>Let me write it down.</think>\n')
        const { failure, deltas } = await failureOf(provider)
        expect(failure).toMatchObject({ kind: 'incomplete', message: expect.stringMatching(/but no answer/) })
        expect(failure.usage?.outputTokens).toBeGreaterThan(0)
        expect(deltas).toEqual([])
      })

      it('is asked for without a temperature that the model refuses; that is remembered and noted', async () => {
        const provider = await open()
        provider.lacks('temperature')
        for (let nth = 0; nth < 2; nth++) {
          provider.says(TEXT)
          expect((await ask(provider)).answers).toEqual([TEXT])
          expect(provider.asked()).toMatchObject({ temperature: undefined, messages: REQUEST.messages })
        }
        expect(provider.count()).toBe(3)
        expect(provider.notes).toEqual([expect.stringMatching(/some-model.*temperature/)])
      })

      it('has its system texts in the first message of a model that refuses them', async () => {
        const provider = await open()
        provider.lacks('system')
        const [first, ...others] = REQUEST.messages
        const messages = [{ role: 'user', content: `You are a coach.\n\n${first?.content}` }, ...others]
        for (let nth = 0; nth < 2; nth++) {
          provider.says(TEXT)
          expect((await ask(provider)).answers).toEqual([TEXT])
          expect(provider.asked()).toMatchObject({ system: '', temperature: 0.7, messages })
        }
        expect(provider.count()).toBe(3)
        expect(provider.notes).toEqual([expect.stringMatching(/some-model.*system/)])
        expect(provider.notes.join()).not.toMatch(/coach|begin/)
      })

      it('may lack both, and what was learnt is kept though the answer fails', async () => {
        const provider = await open()
        provider.lacks('temperature')
        provider.lacks('system')
        provider.says(TEXT, { end: 'limit' })
        expect((await failureOf(provider)).failure.kind).toBe('incomplete')
        expect(provider.count()).toBe(3)
        provider.says(TEXT)
        expect((await ask(provider)).answers).toEqual([TEXT])
        expect(provider.count()).toBe(4)
      })

      it.each(['limit', 'filter'] as const)('that ends by a %s is incomplete, and counted', async (end) => {
        const provider = await open()
        provider.says(TEXT, { end })
        const { failure, deltas } = await failureOf(provider)
        expect(failure).toMatchObject({ name: 'ModelFailure', kind: 'incomplete', stopReason: end })
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

  it('a stream that stands still after its first piece is a transient failure', async () => {
    const provider = await open({ stallMs: 100 })
    provider.says(TEXT, { end: 'stall' })
    const startedAt = performance.now()
    const deltas: string[] = []
    const onDelta = (delta: string) => void deltas.push(delta)
    const asked = provider.model.ask(REQUEST, { signal: never(), onDelta })
    await expect(asked).rejects.toMatchObject({
      kind: 'transient',
      message: 'The model sent nothing for 0.1 seconds within its answer.',
    })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(deltas.join('')).not.toBe('')
  })

  it('a stream may be slower than that before its first piece, and between pieces that come', async () => {
    const provider = await open({ stallMs: 400 })
    provider.says('Well then', { gapMs: 80, size: 1 })
    const deltas: string[] = []
    const onDelta = (delta: string) => void deltas.push(delta)
    const { answers } = await provider.model.ask(REQUEST, { signal: never(), onDelta })
    expect(answers).toEqual(['Well then'])
  })

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
