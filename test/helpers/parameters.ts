import type { ParameterDefinition, ParameterType } from '../../src/domain/parameters.ts'

/** A parameter definition with the defaults that parsing would give it. */
export function parameter(
  name: string,
  type: ParameterType = 'string',
  rest: Partial<ParameterDefinition> = {},
): ParameterDefinition {
  return { name, type, required: false, ...rest }
}
