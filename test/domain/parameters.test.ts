import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import {
  checkParameters,
  describeParameter,
  type ParameterDefinition,
  ParameterDefinitions,
  parametersSchema,
} from '../../src/domain/parameters.ts'
import { fieldErrorsOf } from '../../src/domain/validation.ts'
import { failureAtOnce } from '../helpers/errors.ts'
import { parameter } from '../helpers/parameters.ts'

const check = (
  definitions: ParameterDefinition[],
  given: Record<string, unknown>,
  style: 'json' | 'text' = 'json',
) => ({ ...checkParameters(definitions, given, { style, prefix: 'parameters' }) })

/** `path: message` of every fault. */
const refused = (...call: Parameters<typeof check>) =>
  (failureAtOnce(() => check(...call)).errors ?? []).map(({ path, message }) => `${path}: ${message}`)

const rule = (type: ParameterDefinition['type'], validation: ParameterDefinition['validation']) =>
  [parameter('p', type, { validation })] satisfies ParameterDefinition[]

const EVERY_TYPE = [
  parameter('s'),
  parameter('n', 'number'),
  parameter('b', 'boolean'),
  parameter('a', 'array'),
  parameter('o', 'object'),
]

describe('checking JSON', () => {
  it('answers values of every type as they are', () => {
    const given = { s: '', n: -0.5, b: false, a: [1, [null]], o: { x: { y: 1 } } }
    expect(check(EVERY_TYPE, given)).toEqual(given)
  })

  it('reports every wrong type at once and what it got', () => {
    expect(refused(EVERY_TYPE, { s: 1, n: '1', b: 'true', a: { 0: 1 }, o: [] })).toEqual([
      'parameters.s: expected a string, got a number.',
      'parameters.n: expected a number, got a string.',
      'parameters.b: expected a boolean, got a string.',
      'parameters.a: expected an array, got an object.',
      'parameters.o: expected an object, got an array.',
    ])
  })

  it('takes null for an absent value, but keeps it within one', () => {
    expect(check(EVERY_TYPE, { s: null, n: null, b: null, a: [null], o: null })).toEqual({ a: [null] })
    expect(check([parameter('n', 'number', { default: 7 })], { n: null })).toEqual({ n: 7 })
    const required = [parameter('n', 'number', { required: true })]
    expect(refused(required, { n: null })).toEqual(['parameters.n: is required and missing.'])
    expect(refused([], { n: null })).toEqual(['parameters.n: is not a parameter of this topic.'])
  })

  it('reports missing, wrong, refused and unknown ones in one answer, each with what was expected', () => {
    const definitions = [
      parameter('needed', 'number', { required: true, validation: { type: 'range', min: 0 } }),
      parameter('wrong', 'boolean'),
      parameter('grade', 'string', { validation: { type: 'enum', enum_values: ['a', 'b'] } }),
    ]
    const error = failureAtOnce(() => check(definitions, { wrong: 1, grade: 'c', extra: 1 }))
    expect(error.code).toBe('invalid_input')
    expect(error.errors).toEqual([
      { path: 'parameters.needed', expected: 'number, at least 0', message: 'is required and missing.' },
      { path: 'parameters.wrong', expected: 'boolean', message: 'expected a boolean, got a number.' },
      { path: 'parameters.grade', expected: 'one of a, b', message: 'expected one of a, b.' },
      {
        path: 'parameters.extra',
        expected: 'one of needed, wrong, grade',
        message: 'is not a parameter of this topic.',
      },
    ])
  })

  it('knows no inherited names, neither as given nor as missing', () => {
    const given = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}')
    expect(refused([parameter('s')], given)).toEqual(
      ['__proto__', 'constructor', 'toString'].map(
        (name) => `parameters.${name}: is not a parameter of this topic.`,
      ),
    )
    const values = checkParameters([parameter('tostring'), parameter('s')], {}, { style: 'json', prefix: '' })
    expect(Object.getPrototypeOf(values)).toBeNull()
    expect(refused([parameter('valueof', 'string', { required: true })], {})).toHaveLength(1)
  })

  it('gives paths relative to the surface', () => {
    const error = failureAtOnce(() => checkParameters([], { x: 1 }, { style: 'json', prefix: '' }))
    expect(error.errors).toEqual([
      { path: 'x', expected: 'no parameters', message: 'is not a parameter of this topic.' },
    ])
  })

  it('applies defaults to what is missing, and only to that', () => {
    const definitions = [
      parameter('s', 'string', { default: 'd', required: true }),
      parameter('n', 'number', { default: 0 }),
      parameter('none'),
    ]
    expect(check(definitions, {})).toEqual({ s: 'd', n: 0 })
    expect(check(definitions, { s: '', n: 5, none: 'x' })).toEqual({ s: '', n: 5, none: 'x' })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses the number %s', (n) => {
    expect(refused([parameter('n', 'number')], { n })).toHaveLength(1)
  })

  it('refuses a value that nests without end, and says so', () => {
    let value: unknown[] = []
    for (let depth = 0; depth < 100_000; depth++) value = [value]
    expect(refused([parameter('a', 'array')], { a: value })).toEqual([
      'parameters.a: nests deeper than 16 levels.',
    ])
    expect(check([parameter('a', 'array')], { a: [[[[[[[[1]]]]]]]] })).toEqual({ a: [[[[[[[[1]]]]]]]] })
  })
})

describe('rules', () => {
  it('enum compares values of the parameter’s own type', () => {
    const numbers = rule('number', { type: 'enum', enum_values: [1, 2] })
    expect(check(numbers, { p: 2 })).toEqual({ p: 2 })
    expect(refused(numbers, { p: 3 })).toEqual(['parameters.p: expected one of 1, 2.'])
    expect(refused(rule('boolean', { type: 'enum', enum_values: [true] }), { p: false })).toHaveLength(1)
  })

  it('range includes both ends, and either may be missing', () => {
    const both = rule('number', { type: 'range', min: -1, max: 1 })
    expect([check(both, { p: -1 }), check(both, { p: 1 })]).toEqual([{ p: -1 }, { p: 1 }])
    expect(refused(both, { p: 1.0001 })).toEqual(['parameters.p: expected number, -1 to 1.'])
    expect(refused(rule('number', { type: 'range', max: -5 }), { p: -4 })).toEqual([
      'parameters.p: expected number, at most -5.',
    ])
  })

  it('length counts characters of a string, not code units, and items of an array', () => {
    const string = rule('string', { type: 'length', min: 1, max: 2 })
    expect(check(string, { p: '😀é' })).toEqual({ p: '😀é' })
    expect(refused(string, { p: '' })).toEqual(['parameters.p: expected string, 1 to 2 characters.'])
    expect(refused(string, { p: 'abc' })).toHaveLength(1)
    const array = rule('array', { type: 'length', max: 1 })
    expect(check(array, { p: [[1, 2, 3]] })).toEqual({ p: [[1, 2, 3]] })
    expect(refused(array, { p: [1, 2] })).toEqual(['parameters.p: expected array, at most 1 items.'])
  })

  it('pattern is unanchored RE2', () => {
    expect(check(rule('string', { type: 'pattern', pattern: 'b+' }), { p: 'abbc' })).toEqual({ p: 'abbc' })
    const anchored = rule('string', { type: 'pattern', pattern: '^\\p{Lu}[a-z]*$' })
    expect(check(anchored, { p: 'Osterreich' })).toEqual({ p: 'Osterreich' })
    expect(refused(anchored, { p: 'x' })).toEqual([
      'parameters.p: expected string that matches ^\\p{Lu}[a-z]*$.',
    ])
  })

  it('a catastrophic pattern takes linear time', () => {
    const evil = rule('string', { type: 'pattern', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' })
    const startedAt = performance.now()
    expect(refused(evil, { p: 'a'.repeat(10_000) })).toHaveLength(1)
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})

describe('checking text', () => {
  const text = (type: ParameterDefinition['type'], p: string) => check([parameter('p', type)], { p }, 'text')
  const refusedText = (type: ParameterDefinition['type'], p: string) =>
    refused([parameter('p', type)], { p }, 'text')

  it('counts the empty string as missing, which JSON does not', () => {
    const definitions = [
      parameter('s', 'string', { required: true }),
      parameter('d', 'string', { default: 'x' }),
    ]
    expect(refused(definitions, { s: '', d: '' }, 'text')).toEqual(['parameters.s: is required and missing.'])
    expect(check(definitions, { s: '', d: '' }, 'json')).toEqual({ s: '', d: '' })
    expect(check(definitions, { s: ' ', d: '' }, 'text')).toEqual({ s: ' ', d: 'x' })
  })

  it('reads numbers and booleans by their JSON form', () => {
    expect([text('number', '-1.5e3'), text('number', ' 7 '), text('boolean', 'false')]).toEqual([
      { p: -1500 },
      { p: 7 },
      { p: false },
    ])
    for (const wrong of ['0x10', '1,5', 'Infinity', 'NaN', '1e999', 'true', '01', 'x']) {
      expect(refusedText('number', wrong), wrong).toHaveLength(1)
    }
    for (const wrong of ['True', 'yes', '1', 'null'])
      expect(refusedText('boolean', wrong), wrong).toHaveLength(1)
  })

  it('leaves a string a string, whatever it looks like', () => {
    for (const p of ['123', 'true', 'null', '[1]', '{"a":1}', ' x ']) expect(text('string', p)).toEqual({ p })
  })

  it('reads arrays from JSON, from lines or from commas', () => {
    expect(text('array', ' [1, "a,b", {"c": null}]')).toEqual({ p: [1, 'a,b', { c: null }] })
    expect(text('array', 'honesty, courage ,, fun,')).toEqual({ p: ['honesty', 'courage', 'fun'] })
    expect(text('array', 'one, two\r\n three\n\nfour')).toEqual({ p: ['one, two', 'three', 'four'] })
    expect(text('array', '1')).toEqual({ p: ['1'] })
    expect(refusedText('array', '[1, 2')).toEqual(['parameters.p: expected an array, got a string.'])
  })

  it('reads objects from JSON only', () => {
    expect(text('object', ' {"a": [1]} ')).toEqual({ p: { a: [1] } })
    expect(refusedText('object', '{a: 1}')).toEqual(['parameters.p: expected an object, got a string.'])
    expect(refusedText('object', '[1]')).toEqual(['parameters.p: expected an object, got an array.'])
  })

  it('applies rules to what was read', () => {
    const range = rule('number', { type: 'range', max: 10 })
    expect(check(range, { p: '10' }, 'text')).toEqual({ p: 10 })
    expect(refused(range, { p: '11' }, 'text')).toHaveLength(1)
  })
})

describe('definitions', () => {
  const faults = (...definitions: object[]) => {
    const parsed = ParameterDefinitions.safeParse(definitions)
    return parsed.success ? [] : fieldErrorsOf(parsed.error).map(({ path }) => path)
  }
  const rules = (type: string, ...validations: object[]) =>
    faults(...validations.map((validation, index) => ({ name: `p${index}`, type, validation })))

  it('fill in that a parameter is optional, and keep everything else as it is', () => {
    expect(ParameterDefinitions.parse([{ name: 'x', type: 'array' }])).toEqual([parameter('x', 'array')])
    const written = parameter('y', 'number', {
      required: true,
      default: 1,
      validation: { type: 'range', max: 1 },
    })
    expect(ParameterDefinitions.parse([written])).toEqual([written])
  })

  it('report every error of every parameter at once', () => {
    expect(
      faults(
        { name: 'a', type: 'number', default: 'x' },
        { name: 'b', type: 'number', validation: { type: 'range', min: 3, max: 1 } },
        { name: 'c', type: 'string', validation: { type: 'pattern', pattern: '(?=x)' } },
        { name: 'd', type: 'number', validation: { type: 'enum', enum_values: [1, '2', null] } },
        { name: 'e', type: 'text', colour: 1 },
      ),
    ).toEqual([
      '0.default',
      '1.validation.min',
      '2.validation.pattern',
      '3.validation.enum_values.1',
      '3.validation.enum_values.2',
      '4.type',
      '4.colour',
    ])
  })

  it('refuse a default that breaks the parameter’s own rule', () => {
    const validation = { type: 'length', min: 2 }
    expect(faults({ name: 'a', type: 'string', default: 'x', validation })).toEqual(['0.default'])
    expect(faults({ name: 'a', type: 'string', default: 'xy', validation })).toEqual([])
    expect(faults({ name: 'a', type: 'string', default: null })).toEqual(['0.default'])
  })

  it('refuse a rule on a type that it cannot apply to', () => {
    expect(rules('string', { type: 'range', min: 1 })).toEqual(['0.validation.type'])
    expect(rules('number', { type: 'length', min: 1 }, { type: 'pattern', pattern: 'x' })).toHaveLength(2)
    expect(rules('array', { type: 'enum', enum_values: [[1]] }, { type: 'range' })).toHaveLength(2)
    expect(rules('object', { type: 'length', max: 1 })).toEqual(['0.validation.type'])
  })

  it('refuse rules that make no sense', () => {
    expect(
      rules('string', { type: 'enum', enum_values: [] }, { type: 'length', min: 1.5 }, { type: 'regex' }),
    ).toEqual(['0.validation.enum_values', '1.validation.min', '2.validation.type'])
    expect(rules('string', { type: 'length', min: 2, max: 1 }, { type: 'pattern', pattern: '[' })).toEqual([
      '0.validation.min',
      '1.validation.pattern',
    ])
    expect(rules('number', { type: 'range', max: -5 }, { type: 'range', min: 1, max: 1 })).toEqual([])
  })

  it.each(['__proto__', 'constructor', 'prototype', '', 'Upper', 'with-dash', 'a.b', 'x'.repeat(65), 'ä'])(
    'refuse the name "%s"',
    (name) => {
      expect(faults({ name, type: 'string' })).toEqual(['0.name'])
    },
  )

  it('refuse a name that is declared twice and a fifty-first parameter', () => {
    expect(faults({ name: 'a', type: 'string' }, { name: 'a', type: 'number' })).toEqual(['1.name'])
    const many = Array.from({ length: 51 }, (_, index) => ({ name: `p${index}`, type: 'string' }))
    expect(faults(...many)).toEqual([''])
    expect(faults(...many.slice(1))).toEqual([])
  })
})

describe('telling others', () => {
  const definitions = [
    parameter('grade', 'string', {
      description: 'A grade.',
      default: 'a',
      validation: { type: 'enum', enum_values: ['a', 'b'] },
    }),
    parameter('size', 'number', { required: true, validation: { type: 'range', min: 1, max: 5 } }),
    parameter('names', 'array', { validation: { type: 'length', max: 3 } }),
    parameter('code', 'string', { validation: { type: 'length', min: 2 } }),
    parameter('word', 'string', { validation: { type: 'pattern', pattern: '^a' } }),
    parameter('any', 'object'),
  ]

  it('describes description, type, necessity, limits and default to people', () => {
    expect(definitions.map(describeParameter)).toEqual([
      'A grade. (string; one of a, b; optional; default "a")',
      '(number, 1 to 5; required)',
      '(array, at most 3 items; optional)',
      '(string, at least 2 characters; optional)',
      '(string that matches ^a; optional)',
      '(object; optional)',
    ])
  })

  it('describes the parameters as a JSON Schema to programs', () => {
    expect(JSON.parse(JSON.stringify(parametersSchema(definitions)))).toEqual({
      type: 'object',
      properties: {
        grade: { type: 'string', description: 'A grade.', default: 'a', enum: ['a', 'b'] },
        size: { type: 'number', minimum: 1, maximum: 5 },
        names: { type: 'array', maxItems: 3 },
        code: { type: 'string', minLength: 2 },
        word: { type: 'string', pattern: '^a' },
        any: { type: 'object' },
      },
      required: ['size'],
      additionalProperties: false,
    })
  })
})

it('never throws anything but invalid_input, whatever the input', () => {
  const definitions = [
    ...EVERY_TYPE,
    ...rule('array', { type: 'length', min: 1, max: 2 }),
    parameter('e', 'number', { validation: { type: 'enum', enum_values: [1] }, required: true }),
    parameter('r', 'string', { validation: { type: 'pattern', pattern: '^a*$' } }),
  ]
  const names = fc.constantFrom(...definitions.map(({ name }) => name), '__proto__', 'constructor', '')
  const given = fc.dictionary(fc.oneof(names, fc.string()), fc.oneof(fc.jsonValue(), fc.constant('')))
  fc.assert(
    fc.property(given, fc.constantFrom('json' as const, 'text' as const), (input, style) => {
      try {
        check(definitions, input, style)
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
        expect((error as AppError).code).toBe('invalid_input')
        expect((error as AppError).errors).not.toEqual([])
      }
    }),
    { numRuns: 1000 },
  )
})
