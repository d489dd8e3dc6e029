import type { ParameterDefinition } from '../parameters.ts'
import { checkTemplate } from './check.ts'

/**
 * Makes the braces of a foreign text literal where they are no tags of declared parameters. A text that is a valid
 * template already stays as it is; but comments and escapes, which would vanish from it, are made literal as well.
 *
 * @example escapeForeignBraces('{{name}} {{other}}', [name]) // '{{name}} \\{{other}}'
 */
export function escapeForeignBraces(text: string, definitions: readonly ParameterDefinition[]): string {
  const isOurs = !/\\\{\{|\{\{\s*!/.test(text)
  if (isOurs && checkTemplate(text, definitions).errors.length === 0) return text
  const names = new Set(definitions.map((definition) => definition.name))
  const foreignTag = /(\\*)(\{{2,3}[#^/&]?\s*([^\s{}.]*)[^{}]*\}{2,3}|\{\{)/g
  return text.replace(foreignTag, (_, backslashes: string, braces: string, name: string | undefined) => {
    const doubled = backslashes.repeat(2)
    return name !== undefined && names.has(name) ? doubled + braces : `${doubled}\\${braces}`
  })
}
