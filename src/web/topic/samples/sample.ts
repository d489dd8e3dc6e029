import type { Parameter } from '../../rest/topics.ts'

/** What was typed for each parameter, as text. Empty ones are left out. */
export type Samples = Readonly<Record<string, string>>

/** The values that samples stand for, by parameter. What cannot be read is sent as it is: the server says what is wrong. */
export function valuesOf(parameters: readonly Parameter[], samples: Samples): Record<string, unknown> {
  const given = parameters.filter(({ name }) => (samples[name] ?? '') !== '')
  return Object.fromEntries(
    given.map((parameter) => [parameter.name, valueFrom(parameter.type, samples[parameter.name])]),
  )
}

/** What was typed, read as its type; as it is, if it cannot be. */
export function valueFrom(type: Parameter['type'], text = ''): unknown {
  if (type === 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A value as it is typed. */
export function textOf({ type }: Parameter, value: unknown): string {
  return type === 'string' && typeof value === 'string' ? value : JSON.stringify(value, null, 1)
}

/** In a conversation the history is in its messages, and this parameter, where a topic has it, is empty. */
const HISTORY = 'conversation_history'

/** Values to begin with, so that a preview shows something at once: the default, an allowed value, or the name itself. */
export function firstSamples(parameters: readonly Parameter[]): Samples {
  return Object.fromEntries(
    parameters.map((parameter) => [parameter.name, textOf(parameter, firstOf(parameter))]),
  )
}

function firstOf({ name, type, validation, ...rest }: Parameter): unknown {
  if (rest.default !== undefined) return rest.default
  if (validation?.type === 'enum') return validation.enum_values?.[0]
  switch (type) {
    case 'number':
      return validation?.min ?? validation?.max ?? 1
    case 'boolean':
      return true
    case 'array':
      return name === HISTORY ? [] : [name]
    case 'object':
      return {}
    case 'string':
      return name.replaceAll('_', ' ')
  }
}
