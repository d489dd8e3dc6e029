import { RE2JS } from 're2js'
import * as z from 'zod'
import { isDeeperThan, type JsonValue, sameJson } from '../util/json.ts'
import { type FieldError, invalidInput } from './errors.ts'
import { identifier, plainLines } from './identifiers.ts'
import { invalidValues, joinPath, MAX_DEPTH } from './validation.ts'

const PARAMETER_TYPES = ['string', 'number', 'boolean', 'array', 'object'] as const
export type ParameterType = (typeof PARAMETER_TYPES)[number]

const Validation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('enum'), enum_values: z.array(z.unknown()).min(1).max(500) }),
  z.strictObject({ type: z.literal('range'), min: z.number().optional(), max: z.number().optional() }),
  z.strictObject({
    type: z.literal('length'),
    min: z.int().nonnegative().optional(),
    max: z.int().nonnegative().optional(),
  }),
  z.strictObject({ type: z.literal('pattern'), pattern: z.string().min(1).max(1000) }),
])
type Validation = z.infer<typeof Validation>

const APPLIES_TO: Record<Validation['type'], readonly ParameterType[]> = {
  enum: ['string', 'number', 'boolean'],
  range: ['number'],
  length: ['string', 'array'],
  pattern: ['string'],
}

/** One declared parameter of a topic. */
export const ParameterDefinition = z
  .strictObject({
    name: identifier('Parameter name'),
    type: z.enum(PARAMETER_TYPES),
    required: z.boolean().default(false),
    description: plainLines(2000).optional(),
    default: z.unknown().optional().describe('Used when the parameter is missing; must itself be valid.'),
    validation: Validation.optional().describe(
      'One rule: enum, range (numbers), length (characters of a string, items of an array) or pattern (RE2 syntax, unanchored).',
    ),
  })
  .superRefine((definition, context) => {
    for (const { path, message, expected } of definitionErrors(definition)) {
      context.addIssue({ code: 'custom', path: path.split('.'), message, params: { expected } })
    }
  })
export type ParameterDefinition = z.infer<typeof ParameterDefinition>

/** The parameters of a topic: at most 50, each name once. */
export const ParameterDefinitions = z
  .array(ParameterDefinition)
  .max(50)
  .superRefine((definitions, context) => {
    const names = definitions.map((definition) => definition.name)
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `"${name}" is declared twice`,
        params: { expected: 'a name that no other parameter has' },
      })
    }
  })

function definitionErrors(definition: z.output<typeof ParameterDefinition>): FieldError[] {
  const { type, validation } = definition
  const errors: FieldError[] = []
  const report = (path: string, expected: string, message: string) => errors.push({ path, expected, message })
  if (validation) {
    const types = APPLIES_TO[validation.type]
    if (!types.includes(type)) {
      report(
        'validation.type',
        `a rule for ${type} parameters`,
        `"${validation.type}" applies to ${types.join(' and ')} parameters only`,
      )
      return errors
    }
    if ('min' in validation && 'max' in validation && (validation.min ?? 0) > (validation.max ?? Infinity)) {
      report('validation.min', `at most ${validation.max}`, 'min is greater than max')
    }
    if (validation.type === 'enum') {
      validation.enum_values.forEach((value, index) => {
        if (!hasType(value, type)) report(`validation.enum_values.${index}`, type, `is not a ${type}`)
      })
    }
    if (validation.type === 'pattern') {
      try {
        compilePattern(validation.pattern)
      } catch (error) {
        report('validation.pattern', 'a pattern in RE2 syntax', (error as Error).message)
      }
    }
  }
  if (definition.default !== undefined && errors.length === 0) {
    for (const { expected, message } of valueErrors(definition, definition.default)) {
      report('default', expected, message.replace(/\.$/, ''))
    }
  }
  return errors
}

/** How parameters arrive: as JSON, or as text where only text can travel (MCP prompts, `--param name=value`). */
export type ParameterStyle = 'json' | 'text'

/**
 * The one parameter checker, for every surface: reports missing required parameters, wrong types,
 * failed rules and unknown names all at once, and fills in defaults.
 *
 * @param prefix path of the parameters in the surface's input, for example `parameters`.
 * @returns the complete values by name, in an object without a prototype.
 * @throws AppError `invalid_input` with one entry for each faulty parameter.
 */
export function checkParameters(
  definitions: readonly ParameterDefinition[],
  given: Readonly<Record<string, unknown>>,
  options: { style: ParameterStyle; prefix: string },
): Record<string, JsonValue> {
  const errors: FieldError[] = []
  const values: Record<string, JsonValue> = Object.create(null)
  for (const definition of definitions) {
    const path = joinPath(options.prefix, definition.name)
    // Many clients write null for what is absent.
    let value: unknown = (Object.hasOwn(given, definition.name) ? given[definition.name] : null) ?? undefined
    if (options.style === 'text') {
      if (value !== undefined && typeof value !== 'string') {
        errors.push({ path, expected: 'text', message: 'expected text, as every argument of a prompt.' })
        continue
      }
      value = fromText(definition.type, value)
    }
    if (value === undefined) {
      if (definition.default !== undefined) values[definition.name] = definition.default as JsonValue
      else if (definition.required) {
        errors.push({ path, expected: describeRule(definition), message: 'is required and missing.' })
      }
      continue
    }
    const wrong = valueErrors(definition, value).map((error) => ({ ...error, path }))
    // What came as JSON was looked through as a whole; text becomes JSON here.
    if (options.style === 'text' && wrong.length === 0) wrong.push(...invalidValues(value, path, true))
    if (wrong.length === 0) values[definition.name] = value as JsonValue
    errors.push(...wrong)
  }
  const names = new Set(definitions.map((definition) => definition.name))
  for (const name of Object.keys(given)) {
    if (names.has(name)) continue
    const expected = names.size > 0 ? `one of ${[...names].join(', ')}` : 'no parameters'
    errors.push({
      path: joinPath(options.prefix, name),
      expected,
      message: 'is not a parameter of this topic.',
    })
  }
  if (errors.length > 0) throw invalidInput(errors)
  return values
}

/** Text by the declared type; what cannot be read stays text and fails the type check that follows. */
function fromText(type: ParameterType, given: string | undefined): unknown {
  if (given === undefined || given === '') return undefined
  if (type === 'string') return given
  const text = given.trim()
  if (type === 'array' && !text.startsWith('[')) {
    const separator = /[\r\n]/.test(text) ? /\r\n|\r|\n/ : ','
    return text
      .split(separator)
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  try {
    return JSON.parse(text)
  } catch {
    return given
  }
}

function valueErrors(definition: ParameterDefinition, value: unknown): Omit<FieldError, 'path'>[] {
  const expected = describeRule(definition)
  if (!hasType(value, definition.type)) {
    const isOddNumber = typeof value === 'number' && !Number.isFinite(value)
    const got = isOddNumber ? String(value) : article(typeName(value))
    return [{ expected, message: `expected ${article(definition.type)}, got ${got}.` }]
  }
  if (isDeeperThan(value, MAX_DEPTH)) return [{ expected, message: `nests deeper than ${MAX_DEPTH} levels.` }]
  const { validation } = definition
  return validation && !satisfies(value, validation) ? [{ expected, message: `expected ${expected}.` }] : []
}

function satisfies(value: unknown, rule: Validation): boolean {
  switch (rule.type) {
    case 'enum':
      return rule.enum_values.some((allowed) => sameJson(allowed, value))
    case 'range':
      return (value as number) >= (rule.min ?? -Infinity) && (value as number) <= (rule.max ?? Infinity)
    case 'length': {
      const length = typeof value === 'string' ? [...value].length : (value as unknown[]).length
      return length >= (rule.min ?? 0) && length <= (rule.max ?? Infinity)
    }
    case 'pattern':
      return compilePattern(rule.pattern).test(value as string)
  }
}

const patterns = new Map<string, RE2JS>()

/** RE2 runs in linear time: no pattern can hang the server, whatever the value. */
function compilePattern(source: string): RE2JS {
  let pattern = patterns.get(source)
  if (!pattern) {
    pattern = RE2JS.compile(source)
    if (patterns.size >= 1000) patterns.clear()
    patterns.set(source, pattern)
  }
  return pattern
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function hasType(value: unknown, type: ParameterType): boolean {
  return typeName(value) === type && (type !== 'number' || Number.isFinite(value))
}

function article(type: string): string {
  if (type === 'null') return type
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`
}

/** What a value has to be, in words: `number, at least 0`. */
function describeRule({ type, validation }: ParameterDefinition): string {
  switch (validation?.type) {
    case 'enum':
      return `one of ${validation.enum_values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ')}`
    case 'range':
      return `${type}, ${limits(validation, '')}`
    case 'length':
      return `${type}, ${limits(validation, type === 'array' ? ' items' : ' characters')}`
    case 'pattern':
      return `${type} that matches ${validation.pattern}`
    default:
      return type
  }
}

function limits({ min, max }: { min?: number | undefined; max?: number | undefined }, unit: string): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}${unit}`
  if (min !== undefined) return `at least ${min}${unit}`
  return max === undefined ? `any number of${unit}` : `at most ${max}${unit}`
}

/** A parameter for people: its own description, type, whether it is required, its limits and its default. */
export function describeParameter(definition: ParameterDefinition): string {
  const facts = [describeRule(definition), definition.required ? 'required' : 'optional']
  if (definition.validation?.type === 'enum') facts.unshift(definition.type)
  if (definition.default !== undefined) facts.push(`default ${JSON.stringify(definition.default)}`)
  return [definition.description, `(${facts.join('; ')})`].filter(Boolean).join(' ')
}

/** The parameters of a topic as a JSON Schema (2020-12) object. */
export function parametersSchema(definitions: readonly ParameterDefinition[]): Record<string, unknown> {
  return {
    type: 'object',
    properties: Object.fromEntries(definitions.map((definition) => [definition.name, schemaOf(definition)])),
    required: definitions.filter((definition) => definition.required).map((definition) => definition.name),
    additionalProperties: false,
  }
}

function schemaOf(definition: ParameterDefinition): Record<string, unknown> {
  const { type, description, validation } = definition
  return {
    type,
    description,
    default: definition.default,
    ...(validation?.type === 'enum' && { enum: validation.enum_values }),
    ...(validation?.type === 'pattern' && { pattern: validation.pattern }),
    ...(validation?.type === 'range' && { minimum: validation.min, maximum: validation.max }),
    ...(validation?.type === 'length' &&
      type === 'array' && { minItems: validation.min, maxItems: validation.max }),
    ...(validation?.type === 'length' &&
      type === 'string' && { minLength: validation.min, maxLength: validation.max }),
  }
}
