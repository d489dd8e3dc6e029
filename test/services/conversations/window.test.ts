import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Turn } from '../../../src/domain/conversation.ts'
import { sentMessages } from '../../../src/services/conversations/window.ts'

const AT = '2026-01-01T00:00:00.000Z'

/** A turn; `tokens`: what the model counted for the call that answered it, with all that was sent then. */
function turn(number: number, said: string, answered?: string, tokens = 0, turns_sent = number): Turn {
  const use = { model: 'm', input_tokens: tokens, output_tokens: 1, attempts: 1 }
  const context = { turns_sent, turns_left_out: number - turns_sent }
  const assistant =
    answered === undefined
      ? {}
      : { assistant: { id: 'a', content: answered, created_at: AT, use, latency_ms: 1, context } }
  return { turn: number, user: { id: 'u', content: said, created_at: AT, keys: [] }, ...assistant }
}

const conversation = (turns: Turn[], context_tokens?: number, opening = '', system = '') => ({
  system,
  opening,
  turns,
  config: { default_model: 'm', ...(context_tokens !== undefined && { context_tokens }) },
})

/** 300 bytes, 100 tokens where nothing is known. */
const LONG = 'x'.repeat(300)

describe('what is sent', () => {
  it('is the opening before the first message, and all turns', () => {
    const earlier = [turn(1, 'one', 'ONE'), turn(2, 'two', 'TWO')]
    const { messages, context } = sentMessages(
      conversation(earlier, undefined, 'Begin.'),
      turn(3, 'three'),
      100,
    )
    expect(messages).toEqual([
      { role: 'user', content: 'Begin.\n\none' },
      { role: 'assistant', content: 'ONE' },
      { role: 'user', content: 'two' },
      { role: 'assistant', content: 'TWO' },
      { role: 'user', content: 'three' },
    ])
    expect(context).toEqual({ turns_sent: 3, turns_left_out: 0 })
  })

  it('joins messages that were not answered with the next one', () => {
    const earlier = [turn(1, 'one'), turn(2, 'two'), turn(3, 'three', 'THREE'), turn(4, 'four')]
    expect(sentMessages(conversation(earlier), turn(5, 'five'), 100).messages).toEqual([
      { role: 'user', content: 'one\n\ntwo\n\nthree' },
      { role: 'assistant', content: 'THREE' },
      { role: 'user', content: 'four\n\nfive' },
    ])
  })

  it('holds the message once when a failed turn is asked again', () => {
    const earlier = [turn(1, 'one', 'ONE'), turn(2, 'two')]
    const { messages } = sentMessages(conversation(earlier), turn(2, 'two'), 100)
    expect(messages.map(({ content }) => content)).toEqual(['one', 'ONE', 'two'])
  })

  it('is whole turns from the newest backwards, as far as the context allows, and the opening still', () => {
    const earlier = [turn(1, LONG, LONG), turn(2, LONG, LONG), turn(3, LONG, LONG)]
    const sent = (tokens: number) =>
      sentMessages(conversation(earlier, tokens, LONG, LONG), turn(4, LONG), 1_000)
    // System, opening and message take 300, each turn 200, the answer 1,000.
    expect(sent(1_700).context).toEqual({ turns_sent: 3, turns_left_out: 1 })
    expect(sent(1_699).context).toEqual({ turns_sent: 2, turns_left_out: 2 })
    expect(sent(1_900).context).toEqual({ turns_sent: 4, turns_left_out: 0 })
    expect(sent(1_500).messages.map(({ content }) => content)).toEqual([`${LONG}\n\n${LONG}`, LONG, LONG])
    // Even where nothing fits.
    expect(sent(1).messages).toEqual([{ role: 'user', content: `${LONG}\n\n${LONG}` }])
  })

  it('counts as the model did in its last call, and as bytes where that says nothing', () => {
    // 600 bytes were sent for turn 2: the two messages without the second answer, 900 bytes less 300.
    const earlier = (tokens: number) => [turn(1, LONG, LONG), turn(2, LONG, LONG, tokens)]
    const leftOut = (tokens: number, context_tokens: number) =>
      sentMessages(conversation(earlier(tokens), context_tokens), turn(3, LONG), 0).context.turns_left_out
    // Half a token for each byte: 150 for the message, 300 for a turn.
    expect([leftOut(450, 750), leftOut(450, 749), leftOut(450, 449)]).toEqual([0, 1, 2])
    // No count: a third.
    expect([leftOut(0, 500), leftOut(0, 499), leftOut(0, 299)]).toEqual([0, 1, 2])
    // A count that cannot be one of the text is taken for an eighth, or for one.
    expect([leftOut(1, 188), leftOut(1, 187)]).toEqual([0, 1])
    expect([leftOut(1e6, 1_500), leftOut(1e6, 1_499)]).toEqual([0, 1])
  })

  it('has 100,000 tokens unless the topic says otherwise', () => {
    const earlier = Array.from({ length: 20 }, (_, at) =>
      turn(at + 1, 'x'.repeat(15_000), 'y'.repeat(15_000)),
    )
    const { context } = sentMessages(conversation(earlier), turn(21, LONG), 2_048)
    expect(context).toEqual({ turns_sent: 10, turns_left_out: 11 })
  })

  it('alternates, begins and ends with the user, and leaves out nothing in between, whatever was answered', () => {
    const texts = fc.string({ minLength: 1, maxLength: 40 })
    const turns = fc.array(fc.tuple(texts, fc.option(texts, { nil: undefined })), { maxLength: 12 })
    fc.assert(
      fc.property(turns, fc.nat(400), texts, (given, context_tokens, opening) => {
        const earlier = given.map(([said, answered], at) => turn(at + 1, said, answered, 30))
        const next = turn(earlier.length + 1, 'next')
        const { messages, context } = sentMessages(conversation(earlier, context_tokens, opening), next, 10)
        messages.forEach(({ role }, at) => {
          expect(role).toBe(at % 2 === 0 ? 'user' : 'assistant')
        })
        expect(messages.length % 2).toBe(1)
        expect(context.turns_sent + context.turns_left_out).toBe(next.turn)
        const sent = [...earlier, next].slice(context.turns_left_out)
        const said = sent.flatMap(({ user, assistant }) => [
          user.content,
          ...(assistant ? [assistant.content] : []),
        ])
        const all = opening.trim() === '' ? said : [opening, ...said]
        expect(messages.map(({ content }) => content).join('\n\n')).toBe(all.join('\n\n'))
      }),
    )
  })
})
