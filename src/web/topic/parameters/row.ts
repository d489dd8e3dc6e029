import type { Parameter } from '../../rest/topics.ts'
import { textOf, valueFrom } from '../samples/sample.ts'

export const TYPES = ['string', 'number', 'boolean', 'array', 'object'] as const
const RULES = ['none', 'enum', 'range', 'length', 'pattern'] as const
export type Rule = (typeof RULES)[number]

/** The rules that a type may have. */
export const RULES_OF: Record<Parameter['type'], readonly Rule[]> = {
  string: ['none', 'enum', 'length', 'pattern'],
  number: ['none', 'enum', 'range'],
  boolean: ['none'],
  array: ['none', 'length'],
  object: ['none'],
}

/** A parameter while it is being edited: all that is typed is text. */
export interface Row {
  name: string
  type: Parameter['type']
  required: boolean
  description: string
  default: string
  rule: Rule
  /** Allowed values, one a line. */
  values: string
  min: string
  max: string
  pattern: string
}

export const EMPTY_ROW: Row = {
  name: '',
  type: 'string',
  required: false,
  description: '',
  default: '',
  rule: 'none',
  values: '',
  min: '',
  max: '',
  pattern: '',
}

export function rowOf(parameter: Parameter): Row {
  const { name, type, required, description = '', validation } = parameter
  const limit = (value: number | undefined) => (value === undefined ? '' : String(value))
  return {
    name,
    type,
    required,
    description,
    default: parameter.default === undefined ? '' : textOf(parameter, parameter.default),
    rule: validation?.type ?? 'none',
    values: (validation?.enum_values ?? []).map((value) => textOf(parameter, value)).join('\n'),
    min: limit(validation?.min),
    max: limit(validation?.max),
    pattern: validation?.pattern ?? '',
  }
}

/** The parameter of a row. What cannot be read as its type is sent as text: the server says what is wrong with it. */
export function parameterOf(row: Row): Parameter {
  const { name, type, required, description } = row
  const validation = validationOf(row)
  return {
    name,
    type,
    required,
    ...(description !== '' && { description }),
    ...(row.default !== '' && { default: valueFrom(type, row.default) }),
    ...(validation && { validation }),
  }
}

function validationOf({ type, rule, values, min, max, pattern }: Row): Parameter['validation'] {
  const limits = { ...(min !== '' && { min: Number(min) }), ...(max !== '' && { max: Number(max) }) }
  switch (rule) {
    case 'none':
      return undefined
    case 'enum': {
      const lines = values.split('\n').filter((line) => line.trim() !== '')
      return { type: rule, enum_values: lines.map((line) => valueFrom(type, line)) }
    }
    case 'pattern':
      return { type: rule, pattern }
    default:
      return { type: rule, ...limits }
  }
}
