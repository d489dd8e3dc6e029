import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { checkTemplate } from '../../../src/domain/template/check.ts'
import { escapeForeignBraces } from '../../../src/domain/template/escape.ts'
import { renderTemplate } from '../../../src/domain/template/render.ts'
import type { JsonValue } from '../../../src/util/json.ts'
import { failureAtOnce } from '../../helpers/errors.ts'
import { parameter } from '../../helpers/parameters.ts'

const DECLARED = [
  parameter('text'),
  parameter('number', 'number'),
  parameter('flag', 'boolean'),
  parameter('list', 'array'),
  parameter('record', 'object'),
]
const MIB = 1024 * 1024

const render = (body: string, values: Record<string, unknown> = {}) =>
  renderTemplate(body, values as Record<string, JsonValue>)
const faultsOf = (body: string) => checkTemplate(body, DECLARED).errors
/** `line:column message` of every fault. */
const linesOf = (body: string) =>
  faultsOf(body).map(({ line, column, message }) => `${line}:${column} ${message}`)
const undeclared = (position: string, name: string) => `${position} "${name}" is not declared.`

/** Of this process's CPU: other tests run on the same cores. */
function millisecondsOf(work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

describe('rendering', () => {
  it('inserts values as they are, with every kind of tag', () => {
    const text = `<b>"Tom" & 'Jerry'</b> \`x\` = /&amp;`
    expect(render('{{text}}|{{{text}}}|{{&text}}|{{ text }}|{{& text }}', { text })).toBe(
      Array(5).fill(text).join('|'),
    )
  })

  it('inserts numbers and booleans by their JSON form and nothing for missing values and null', () => {
    expect(
      render('[{{number}}|{{flag}}|{{text}}|{{record}}]', { number: 0, flag: false, record: null }),
    ).toBe('[0|false||]')
  })

  it('inserts arrays and objects as JSON', () => {
    const values = { list: [1, 'two', { three: null }], record: { a: [true], b: '"<' } }
    expect(render('{{list}} {{record}} {{record.a}}', values)).toBe(
      '[1,"two",{"three":null}] {"a":[true],"b":"\\"<"} [true]',
    )
  })

  it('does not render what a value contains', () => {
    const text = '{{number}} {{#list}}x{{/list}} \\{{number}} {{{text}}} \\\\{{number}}'
    expect(render('{{text}}/{{#list}}{{.}}{{/list}}', { text, number: 1, list: [text] })).toBe(
      `${text}/${text}`,
    )
  })

  it('repeats a section for every item of an array and shows it once for an object or a true value', () => {
    expect(render('{{#list}}<{{.}}>{{/list}}', { list: ['a', 0, false, ['b']] })).toBe('<a><0><false><["b"]>')
    expect(render('{{#record}}{{name}}{{/record}}', { record: { name: 'Ada' } })).toBe('Ada')
    expect(render('{{#flag}}yes{{/flag}}{{#text}} {{.}}{{/text}}', { flag: true, text: 'ok' })).toBe('yes ok')
    expect(
      render('{{#list}}x{{/list}}{{#flag}}x{{/flag}}{{#text}}x{{/text}}{{#number}}x{{/number}}', {
        list: [],
        flag: false,
        text: '',
        number: 0,
      }),
    ).toBe('')
  })

  it('shows an inverted section only for what is empty, false or missing', () => {
    const body = '{{^list}}no list{{/list}}{{^flag}} no flag{{/flag}}{{^text}} no text{{/text}}'
    expect(render(body, { list: [], flag: false })).toBe('no list no flag no text')
    expect(render(body, { list: [0], flag: true, text: 'x' })).toBe('')
  })

  it('takes {{.}} for the value of the section, of whatever type', () => {
    const body = '{{#text}}Note: {{.}}{{/text}}|{{#number}}{{{.}}}{{/number}}|{{#flag}}{{&.}}{{/flag}}'
    expect(linesOf(body)).toEqual([])
    expect(render(body, { text: 'a < {{b}}', number: -0.5, flag: true })).toBe('Note: a < {{b}}|-0.5|true')
    expect(render(body, { text: '', number: 0, flag: false })).toBe('||')
    const nested = '{{#list}}{{#flag}}{{.}}{{#text}}({{.}}){{/text}}{{/flag}}{{/list}}'
    expect(render(nested, { list: [1, 2], flag: true, text: 'x' })).toBe('1(x)2(x)')
    expect(render('{{#record.a}}{{.}}{{/record.a}}', { record: { a: 'deep' } })).toBe('deep')
    expect(linesOf('{{^text}}{{.}}{{/text}}')).toHaveLength(1)
    expect(linesOf('{{#text}}{{name}}{{/text}}')).toHaveLength(1)
  })

  it('looks for a name in the innermost item first, then outwards', () => {
    const body = '{{#list}}{{name}}:{{text}}{{#items}}({{name}},{{.}}){{/items}};{{/list}}'
    const list = [
      { name: 'a', items: [1, 2] },
      { name: 'b', text: 'own', items: [] },
    ]
    expect(render(body, { list, text: 'outer' })).toBe('a:outer(a,1)(a,2);b:own;')
  })

  it('follows dotted names and renders what is not there empty', () => {
    const values = { record: { a: { b: { c: 'deep' } } }, text: 'abc' }
    expect(render('{{record.a.b.c}}[{{record.x.y}}][{{record.a.b.c.d}}][{{text.length}}]', values)).toBe(
      'deep[][][]',
    )
  })

  it('reaches own members only', () => {
    const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'length', 'constructor.name']
    for (const name of names) {
      const body = `[{{list.${name}}}{{record.${name}}}{{text.${name}}}{{#record}}{{${name}}}{{/record}}]`
      expect(render(body, { list: [1, 2], record: { a: 1 }, text: 'abc' }), name).toBe('[]')
    }
    const own = JSON.parse('{"record": {"__proto__": "p", "constructor": "c", "length": 3}}')
    expect(render('{{record.__proto__}}{{record.constructor}}{{record.length}}', own)).toBe('pc3')
  })

  it('leaves no empty line where a section tag or a comment stands alone', () => {
    expect(render('a\n{{#flag}}\nb\n{{/flag}}\n{{! note }}\nc\n', { flag: true })).toBe('a\nb\nc\n')
    expect(render('a\r\n  {{#flag}}\r\nb\r\n{{/flag}}\r\nc', { flag: true })).toBe('a\r\nb\r\nc')
  })

  it('writes literal braces for \\{{ and a backslash before a value for \\\\{{', () => {
    expect(render('\\{{text}} \\\\{{text}} \\{{{text}}} \\{{#list}}', { text: 'v' })).toBe(
      '{{text}} \\v {{{text}}} {{#list}}',
    )
    expect(render('a \\ b \\n \\} {text} \\{text}', { text: 'v' })).toBe('a \\ b \\n \\} {text} \\{text}')
  })
})

describe('checking', () => {
  it('accepts declared names in every kind of tag and says which are used', () => {
    const body =
      '{{text}}{{{number}}}{{&flag}}{{#list}}{{.}}{{/list}}{{^record}}x{{/record}}{{! any {thing} }}'
    expect(checkTemplate(body, DECLARED)).toEqual({
      errors: [],
      used: new Set(['text', 'number', 'flag', 'list', 'record']),
      undeclared: new Set(),
    })
    expect(checkTemplate('{{record.a.b}} \\{{text}}', DECLARED)).toEqual({
      errors: [],
      used: new Set(['record']),
      undeclared: new Set(),
    })
  })

  it('names plain variables that could be declared and are not', () => {
    const { undeclared } = checkTemplate(
      '{{a}} {{{b}}} {{a}} {{c.d}} {{No}} {{#e}}{{f}}{{/e}} {{text}}',
      DECLARED,
    )
    expect(undeclared).toEqual(new Set(['a', 'b', 'f']))
  })

  it('reports every fault at once, each with its line and column', () => {
    const body = [
      'Dear {{nobody}}, {{text}}',
      '{{#flag}}{{ inner }}',
      '😀 {{> header}} {{}}',
      '{{=<% %>=}}{{/list}}',
      '{{/flag}}{{.}}',
      '{{#list}}',
      '  {{open',
    ].join('\n')
    expect(linesOf(body)).toEqual([
      undeclared('1:6', 'nobody'),
      undeclared('2:10', 'inner'),
      '3:4 Partials are not supported; write \\{{ for literal braces.',
      '3:17 The tag is empty.',
      '4:1 Delimiter changes are not supported; write \\{{ for literal braces.',
      '4:12 Section "flag" is still open.',
      '5:1 Section "flag" is closed but was never opened.',
      '5:10 {{.}} means the value of a section; it stands outside every section.',
      '7:3 The tag is never closed; write \\{{ for literal braces.',
      '6:1 Section "list" is never closed.',
    ])
  })

  it('says which names it knows', () => {
    const expected = 'one of text, number, flag, list, record'
    expect(faultsOf('{{nobody}}')).toEqual([
      { line: 1, column: 1, expected, message: '"nobody" is not declared.' },
    ])
    expect(checkTemplate('{{a}}', []).errors[0]?.expected).toBe(
      'no variables: the topic declares no parameters',
    )
  })

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'constructor.name'])(
    'knows no variable %s',
    (name) => {
      expect(linesOf(`{{${name}}}`)).toEqual([undeclared('1:1', name)])
      expect(linesOf(`{{#${name}}}{{/${name}}}`)).toEqual([undeclared('1:1', name)])
    },
  )

  it('frees names only inside sections over an array or an object', () => {
    expect(
      linesOf('{{#list}}{{a}}{{#b}}{{c.d}}{{/b}}{{/list}}{{#record}}{{a}}{{^b}}{{c}}{{/b}}{{/record}}'),
    ).toEqual([])
    expect(linesOf('{{#text}}{{a}}{{/text}}{{#flag}}{{b}}{{/flag}}{{^list}}{{c}}{{/list}}')).toEqual([
      undeclared('1:10', 'a'),
      undeclared('1:33', 'b'),
      undeclared('1:56', 'c'),
    ])
    expect(linesOf('{{#list}}{{/list}}{{a}}')).toEqual([undeclared('1:19', 'a')])
  })

  it('keeps positions right after an escape', () => {
    expect(linesOf('\\{{text}} {{a}}\n\\\\{{b}} \\{{{{c}}')).toEqual([
      undeclared('1:11', 'a'),
      undeclared('2:3', 'b'),
      undeclared('2:12', 'c'),
    ])
  })

  it('sees nothing in what is escaped', () => {
    expect(faultsOf('\\{{nobody}} \\{{#open}} \\{{> partial}} \\{{=x=}} \\{{ never closed')).toEqual([])
    expect(linesOf('\\\\{{nobody}}')).toEqual([undeclared('1:3', 'nobody')])
  })

  it.each(['{{{#list}}}x{{/list}}', '{{{/list}}}', '{{{^list}}}x{{/list}}', '{{{!text}}}', '{{{&text}}}'])(
    'refuses %s, which is no variable in triple braces',
    (body) => {
      expect(faultsOf(body)[0]).toMatchObject({ line: 1, column: 1 })
    },
  )

  it('refuses or renders a brace inside a tag, but accepts nothing that cannot be rendered', () => {
    const body = '{{#list}}{{ {x} }}{{/list}}'
    if (faultsOf(body).length === 0) expect(render(body, { list: [1] })).toBe('')
  })
})

describe('bounds', () => {
  it('renders exactly 1 MiB and refuses one byte more', () => {
    const text = 'x'.repeat(MIB / 2)
    expect(render('{{text}}{{text}}', { text })).toHaveLength(MIB)
    expect(failureAtOnce(() => render('{{text}}{{text}}.', { text })).code).toBe('too_large')
  })

  it('counts bytes, not characters', () => {
    expect(failureAtOnce(() => render('{{text}}', { text: '€'.repeat(MIB / 2) })).code).toBe('too_large')
  })

  it('refuses output and steps without end within a second', () => {
    const list = Array(1000).fill('x')
    const loops = '{{#list}}{{#list}}{{#list}}{{/list}}{{/list}}{{/list}}'
    const writing = '{{#list}}{{#list}}{{#list}}{{.}}{{/list}}{{/list}}{{/list}}'
    for (const body of [loops, writing]) {
      expect(
        millisecondsOf(() => expect(failureAtOnce(() => render(body, { list })).code).toBe('too_large')),
      ).toBeLessThan(1000)
    }
  })

  it('spends no more than a second on names that are looked up through many sections', () => {
    const body = `${'{{#record}}'.repeat(800)}{{#list}}${'{{q}}'.repeat(2500)}{{/list}}${'{{/record}}'.repeat(800)}`
    const values = { record: { a: 1 }, list: Array(390).fill(1) }
    if (faultsOf(body).length > 0) return
    expect(millisecondsOf(() => ignoringTooLarge(() => render(body, values)))).toBeLessThan(1000)
  })

  it('refuses or renders sections nested as deep as a body can hold', () => {
    const body = `${'{{#flag}}'.repeat(2600)}x${'{{/flag}}'.repeat(2600)}`
    if (faultsOf(body).length === 0) ignoringTooLarge(() => expect(render(body, { flag: true })).toBe('x'))
  })

  it('reads a body in linear time, whatever is in it', () => {
    const spaces = `{{!x${' '.repeat(51_000)}y}}`
    expect(millisecondsOf(() => expect(render(spaces)).toBe(''))).toBeLessThan(500)
    const faulty = '{{x}}\n'.repeat(8500)
    expect(millisecondsOf(() => expect(faultsOf(faulty)).toHaveLength(8500))).toBeLessThan(500)
  })
})

const PIECES = [
  '{{',
  '}}',
  '{{{',
  '}}}',
  '{',
  '}',
  '#',
  '/',
  '^',
  '&',
  '!',
  '>',
  '=',
  '.',
  '\\',
  ' ',
  '\n',
  'x',
  '😀',
]
const TAGS = [
  '{{#list}}',
  '{{/list}}',
  '{{^flag}}',
  '{{/flag}}',
  '{{text}}',
  '{{{record}}}',
  '{{.}}',
  'text',
  'list',
]
const someBody = fc
  .array(fc.constantFrom(...PIECES, ...TAGS), { maxLength: 25 })
  .map((parts) => parts.join(''))
const inList = someBody.map((body) => `{{#list}}${body}{{/list}}`)
const noNul = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))

describe('for all bodies and values', () => {
  it('text without braces renders as it is', () => {
    fc.assert(fc.property(noNul, (text) => text.includes('{{') || render(text) === text))
  })

  it('a value is inserted verbatim, between any two texts', () => {
    const plain = noNul.filter((text) => !/[{}\\]/.test(text))
    fc.assert(
      fc.property(plain, noNul, plain, (before, text, after) => {
        expect(render(`${before}{{text}}${after}`, { text })).toBe(before + text + after)
      }),
    )
  })

  it('checking never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), someBody), (body) => void faultsOf(body)))
  })

  it('what was found faultless renders, or is too large, whatever the values', () => {
    const values = fc.record(Object.fromEntries(DECLARED.map(({ name }) => [name, fc.jsonValue()])), {
      requiredKeys: [],
    })
    fc.assert(
      fc.property(fc.oneof(someBody, inList), values, (body, given) => {
        if (faultsOf(body).length === 0) ignoringTooLarge(() => render(body, given))
      }),
      { numRuns: 3000 },
    )
  })

  it('an escaped foreign body passes the check and renders to what it was', () => {
    fc.assert(
      fc.property(fc.oneof(noNul, someBody), (body) => {
        const escaped = escapeForeignBraces(body, [])
        expect(checkTemplate(escaped, []).errors).toEqual([])
        expect(render(escaped)).toBe(body)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('escaping foreign braces', () => {
  it('leaves tags of declared parameters alone, in every kind of tag', () => {
    const body = '{{text}} {{{text}}} {{& text }} {{record.a}} {{#list}}x{{/list}} {{^flag}}y{{/flag}}'
    expect(escapeForeignBraces(body, DECLARED)).toBe(body)
  })

  it('escapes every other pair of braces', () => {
    expect(escapeForeignBraces('{{nobody}} {{> part}} {{text}} {{ {{constructor}}', DECLARED)).toBe(
      '\\{{nobody}} \\{{> part}} {{text}} \\{{ \\{{constructor}}',
    )
  })

  it('keeps a backslash that already stands before braces', () => {
    const escaped = escapeForeignBraces('\\{{x}}', [])
    expect(checkTemplate(escaped, []).errors).toEqual([])
    expect(render(escaped)).toBe('\\{{x}}')
  })
})

function ignoringTooLarge(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'too_large')) throw error
  }
}
