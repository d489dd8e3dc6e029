import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import Mustache from 'mustache'
import { expect, it } from 'vitest'
import { checkTemplate } from '../../../src/domain/template/check.ts'
import { maskEscapes, scanTags, withoutComments } from '../../../src/domain/template/tags.ts'
import { parameter } from '../../helpers/parameters.ts'
import { PACKAGE_ROOT } from '../../helpers/program.ts'

const DECLARED = [parameter('text'), parameter('list', 'array'), parameter('record', 'object')]

type TagPair = [kind: string, name: string]

/** The tags that the check sees. */
function scannedTags(text: string): TagPair[] {
  return [...scanTags(maskEscapes(text))].map(({ sigil, name }) => pair(sigil, name))
}

/** The tags that are rendered: Mustache's own tokens, sections written out. */
function parsedTags(text: string): TagPair[] {
  const parser = new Mustache.Writer()
  Object.assign(parser, { templateCache: undefined })
  return flat(parser.parse(withoutComments(maskEscapes(text))))
}

function flat(tokens: readonly (readonly unknown[])[]): TagPair[] {
  return tokens.flatMap(([kind, name, , , children]): TagPair[] => {
    if (kind === 'text') return []
    const tag = pair(String(kind), String(name))
    return Array.isArray(children) ? [tag, ...flat(children), pair('/', String(name))] : [tag]
  })
}

/** Plain variables are one kind, however they are written; what a comment says is nothing to either. */
function pair(kind: string, name: string): TagPair {
  if (kind === '!') return ['!', '']
  return [kind === '' || kind === 'name' || kind === '&' ? 'value' : kind, name]
}

const name = fc.constantFrom(
  'text',
  'list',
  'record',
  '.',
  'record.a',
  'text.{{!x}}',
  'text.a b',
  'list.}',
  'x',
  'text.',
)
const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\ufeff')
const sigil = fc.constantFrom('', '', '', '#', '^', '/', '!', '&', '{', '>', '=')
const tag = fc
  .tuple(fc.constantFrom('{{', '{{', '{{', '{{{'), space, sigil, space, name, space)
  .map(([open, a, mark, b, word, c]) => `${open}${a}${mark}${b}${word}${c}${open === '{{{' ? '}}}' : '}}'}`)
const piece = fc.oneof(
  { weight: 4, arbitrary: tag },
  {
    weight: 2,
    arbitrary: fc.constantFrom('{', '}', '{{', '}}', '{{{', '}}}', '\\', '\\\\', '!', '=', '\n', ' ', 'a'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '{{#list}}',
      '{{/list}}',
      '{{#record}}',
      '{{/record}}',
      '{{^text}}',
      '{{/text}}',
    ),
  },
)
const section = fc
  .tuple(fc.constantFrom('text', 'list', 'record'), fc.array(piece, { maxLength: 4 }))
  .map(([word, inner]) => `{{#${word}}}${inner.join('')}{{/${word}}}`)
const template = fc.array(fc.oneof(piece, section), { maxLength: 8 }).map((pieces) => pieces.join(''))

it('what the check accepts, Mustache parses, with the same tags in the same order', () => {
  let accepted = 0
  fc.assert(
    fc.property(template, (text) => {
      if (checkTemplate(text, DECLARED).errors.length > 0) return
      accepted++
      expect(parsedTags(text)).toEqual(scannedTags(text))
    }),
    { numRuns: 20_000 },
  )
  expect(accepted).toBeGreaterThan(2_000)
})

it.each(['{{text.{{!x}}', '{{{text.}} {{!x}}}', '{{#list}}{{text. {{text}}{{/list}}'])(
  'braces in the name of a declared parameter are refused: %s',
  (text) => {
    const [error] = checkTemplate(text, DECLARED).errors
    expect(error?.expected).toBe('a name without white space and braces')
    expect(error?.message).toMatch(/^"text\..* is not a name\.$/)
  },
)

it('the check needs no package and nothing of Node.js: a page in a browser can import it', () => {
  const seen = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    const code = readFileSync(path, 'utf8')
    expect(code, path).not.toMatch(/\b(Buffer|process|require)\b/)
    for (const [, imported] of code.matchAll(/^(?:import|export) (?!type ).*from '([^']+)'/gm)) {
      expect(imported, path).toMatch(/^\.\.?\//)
      visit(join(dirname(path), imported as string))
    }
  }
  visit(join(PACKAGE_ROOT, 'src/domain/template/check.ts'))
  expect([...seen].map((path) => basename(path)).sort()).toEqual(['check.ts', 'names.ts', 'tags.ts'])
})
