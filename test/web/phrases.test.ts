import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseDuration } from '../../src/domain/duration.ts'
import { type FieldError, notFound, toAppError } from '../../src/domain/errors.ts'
import { checkParameters, ParameterDefinitions } from '../../src/domain/parameters.ts'
import { checkTemplate } from '../../src/domain/template/check.ts'
import { checkTopic, TopicDefinition } from '../../src/domain/topic.ts'
import { check } from '../../src/domain/validation.ts'
import { phrases } from '../../src/web/words/de-phrases.ts'
import { translated } from '../../src/web/words/faults.ts'
import { topicContent } from '../helpers/topics.ts'

const DEFINITIONS = ParameterDefinitions.parse([
  { name: 'amount', type: 'number', required: true, validation: { type: 'range', min: 0, max: 5 } },
  { name: 'least', type: 'number', validation: { type: 'range', min: 0 } },
  { name: 'most', type: 'number', validation: { type: 'range', max: 5 } },
  { name: 'tone', type: 'string', validation: { type: 'enum', enum_values: ['calm', 'stern'] } },
  { name: 'code', type: 'string', validation: { type: 'pattern', pattern: '^[a-z]+$' } },
  { name: 'word', type: 'string', validation: { type: 'length', min: 2, max: 3 } },
  { name: 'rows', type: 'array', validation: { type: 'length', min: 2, max: 3 } },
])

const TEXTS = [
  '{{open',
  '{{>part}} {{=<% %>=}} {{}} {{nobody}} {{a b}} {{.}}',
  '{{/rows}} {{#rows}}{{/tone}}',
  '{{#rows}}{{a b}}{{/rows}}',
  '{{#rows}}',
  '{{#rows}}'.repeat(33) + '{{/rows}}'.repeat(33),
]
const VALUES = [
  {},
  { amount: 'many', nobody: 1 },
  { amount: 9, least: -1, most: 9, tone: 'loud', code: '1', word: 'x', rows: [] },
  { amount: true, tone: 1, rows: {} },
]
const DECLARATIONS = [
  [
    { name: 'twice', type: 'string' },
    { name: 'twice', type: 'string' },
  ],
  [{ name: 'Bad name', type: 'text' }, { type: 'string' }],
  [{ name: 'rule', type: 'boolean', validation: { type: 'range', min: 1 } }],
  [{ name: 'limits', type: 'number', validation: { type: 'range', min: 2, max: 1 } }],
  [{ name: 'values', type: 'number', validation: { type: 'enum', enum_values: ['x'] } }],
  [{ name: 'constructor', type: 'string', description: '\u0007' }],
]
const RECORDS = [
  { topic_name: '', category: 'Not so', config: { temperature: 9, max_tokens: 0 }, display_order: 1e300 },
  { topic_name: 'x'.repeat(201), topic_type: 1, external_id: '' },
]

const { definition } = topicContent('x', {})

function faultsOf(run: () => unknown): readonly Pick<FieldError, 'message'>[] {
  try {
    run()
    return []
  } catch (thrown) {
    return toAppError(thrown).errors ?? []
  }
}

/** Why topics are too large. */
const LARGE = [
  checkTopic(definition, { user: 'x'.repeat(51_201) }),
  checkTopic({ ...definition, config: { note: 'x'.repeat(300_000) } }, {}),
  checkTopic({ ...definition, config: { deep: JSON.parse('['.repeat(20) + ']'.repeat(20)) } }, {}),
].map(({ tooLarge = '' }) => tooLarge)

/** What the server says to inputs that users can make. */
const MESSAGES = [
  ...TEXTS.flatMap((text) => checkTemplate(text, DEFINITIONS).errors),
  ...VALUES.flatMap((values) =>
    faultsOf(() => checkParameters(DEFINITIONS, values, { style: 'json', prefix: 'parameters' })),
  ),
  ...DECLARATIONS.flatMap((definitions) => check(ParameterDefinitions, definitions).errors ?? []),
  ...RECORDS.flatMap((record) => check(TopicDefinition, { topic_id: 'x', ...record }).errors ?? []),
  ...checkTopic(definition, { user: '\0 \ud800' }).errors,
  ...faultsOf(() => parseDuration('soon')),
  ...[notFound('x'), notFound('x', 'user')],
  ...LARGE.map((message) => ({ message })),
].map(({ message }) => message)

it('what users can do wrong is said in German, to the last word', async () => {
  const said = Object.fromEntries(MESSAGES.map((message) => [message, translated(message, phrases)]))
  await expect(`${JSON.stringify(said, null, 2)}\n`).toMatchFileSnapshot('../golden/messages-de.json')
  for (const [message, german] of Object.entries(said)) {
    expect(german).not.toBe(message)
    expect(german).not.toMatch(/\b(the|is|are|expected|least|most|one of|got|characters?|items?)\b/)
  }
})

it('a sentence that is not known stays as it is', () => {
  for (const sentence of ['At 5, at least so it seems, all is well.', 'Something new, 1 to 2 times.'])
    expect(translated(sentence, phrases)).toBe(sentence)
})

it('no sentence is translated that the server does not say', () => {
  const root = join(import.meta.dirname, '..', '..', 'src')
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('web'))
    .map((name) => readFileSync(join(root, name), 'utf8').replaceAll("\\'", "'"))
    .join('\n')
  const isWritten = (english: string) =>
    english
      .replace(/\.$/, '')
      .split('$')
      .every((part) => sources.includes(part))
  const without = (english: string) =>
    Object.fromEntries(Object.entries(phrases).filter(([key]) => key !== english))
  // What is put together of parts is in no source as it stands.
  const isSaid = (english: string) =>
    MESSAGES.some((message) => translated(message, without(english)) !== translated(message, phrases))
  const unknown = Object.keys(phrases).filter((english) => !isWritten(english) && !isSaid(english))
  expect(unknown).toEqual([])
})
