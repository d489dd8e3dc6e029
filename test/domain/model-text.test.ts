import { describe, expect, it } from 'vitest'
import { type AnswerFilter, createJsonFilter, createTextFilter } from '../../src/domain/model-text.ts'

const JSON_TEXT = '{"analysis":"Use ```code``` and </b>.","recommendations":[]}'

/** What a filter emits and finds of a text in pieces of `size`. */
function run(create: (emit: (text: string) => void) => AnswerFilter, text: string, size = 1) {
  let emitted = ''
  const filter = create((piece) => {
    emitted += piece
  })
  for (let at = 0; at < text.length; at += size) filter.push(text.slice(at, at + size))
  return { emitted, ...filter.finish() }
}

describe('JSON', () => {
  it.each([
    ['as it is', JSON_TEXT],
    ['behind a thought', `<think>a </thin k> {"b":1} </think>\n${JSON_TEXT}`],
    ['in a fence', `\`\`\`json\n${JSON_TEXT}\n\`\`\``],
    ['in a fence among words', `So:\n\`\`\`\n${JSON_TEXT}\n\`\`\`\nThat is all.`],
    ['behind a thought without its opening tag', `{"a": 1}? No.</thinking>\n${JSON_TEXT}`],
  ])('is found %s, whatever the pieces', (_, text) => {
    for (const size of [1, 2, 5, 10_000]) {
      const { answer, emitted, rest } = run(createJsonFilter, text, size)
      expect(answer).toBe(JSON_TEXT)
      if (!text.startsWith('{"a"')) expect(emitted + rest).toBe(JSON_TEXT)
    }
  })

  it('is shown while it comes, but nothing behind words, which may be thoughts', () => {
    expect(run(createJsonFilter, JSON_TEXT).emitted).toBe(JSON_TEXT)
    expect(run(createJsonFilter, `<think>x</think>\`\`\`json\n${JSON_TEXT}\n\`\`\`\nBye.`).emitted).toBe(
      JSON_TEXT,
    )
    expect(run(createJsonFilter, `Well, {"analysis": "x"}</think>${JSON_TEXT}`).emitted).toBe('')
  })
})

describe('a text', () => {
  it('ends where the model was cut off in its thoughts', () => {
    expect(run(createTextFilter, '<think>Where do I')).toEqual({ emitted: '', answer: '', rest: '' })
    expect(run(createTextFilter, '<thi')).toEqual({ emitted: '', answer: '<thi', rest: '<thi' })
  })
})

it.each([
  ['blocks', '<think></think>'.repeat(60_000)],
  ['white space', '\n'.repeat(1_000_000)],
  ['white space in a fence', `\`\`\`\n{${' \n'.repeat(500_000)}`],
  ['white space behind words', `So:\n\`\`\`\n${' \n'.repeat(500_000)}x`],
  ['fences', '```\n'.repeat(250_000)],
  ['closing tags', '</think>'.repeat(120_000)],
  ['beginnings of a closing tag', `<think>${'</thin'.repeat(160_000)}`],
])('takes time in proportion to the length: 1 MB of %s', (_, text) => {
  const startedAt = performance.now()
  for (const create of [createTextFilter, createJsonFilter]) {
    for (const size of [16, text.length]) run(create, text, size)
  }
  expect(performance.now() - startedAt).toBeLessThan(2_500)
})
