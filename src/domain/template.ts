import { LRUCache } from 'lru-cache'
import Mustache from 'mustache'
import { AppError, type FieldFault } from './errors.ts'
import { type JsonValue, ownMember } from './json.ts'
import type { ParameterDefinition } from './parameters.ts'

/** Largest rendered prompt, in UTF-16 code units (spec §5: 1 MiB). */
const MAX_RENDERED = 1024 * 1024
/** Nodes one rendering may visit: nested sections over long lists multiply without writing a character. */
const MAX_STEPS = 1_000_000

/** What a body says about itself: its faults, and the declared parameters it uses. */
export interface TemplateCheck {
  faults: Omit<FieldFault, 'path'>[]
  used: Set<string>
}

interface Tag {
  sigil: string
  name: string
  start: number
}

/**
 * Checks a body against the parameters of its topic (spec §2): syntax errors, partials, delimiter changes and
 * every variable that is not declared, all in one answer. Inside a section over an array or object the item's
 * own fields are free.
 */
export function checkTemplate(body: string, definitions: readonly ParameterDefinition[]): TemplateCheck {
  const types = new Map(definitions.map((definition) => [definition.name, definition.type]))
  const faults: TemplateCheck['faults'] = []
  const used = new Set<string>()
  const open: (Tag & { frees: boolean })[] = []
  const text = maskEscapes(body)
  const fault = (at: number, expected: string, message: string) =>
    faults.push({ ...positionOf(body, at), expected, message })

  for (const tag of scanTags(text, fault)) {
    const { sigil, name, start } = tag
    if (sigil === '!') continue
    if (sigil === '>' || sigil === '=') {
      const what = sigil === '>' ? 'Partials' : 'Delimiter changes'
      fault(start, 'a variable or a section', `${what} are not supported; write \\{{ for literal braces.`)
      continue
    }
    if (sigil === '/') {
      const section = open.pop()
      if (!section) fault(start, 'no closing tag here', `Section "${name}" is closed but was never opened.`)
      else if (section.name !== name) {
        fault(start, `{{/${section.name}}}`, `Section "${section.name}" is still open, found {{/${name}}}.`)
      }
      continue
    }
    const root = name.split('.', 1)[0] as string
    const free = open.some((section) => section.frees)
    const type = types.get(root)
    if (type !== undefined) used.add(root)
    else if (name === '') fault(start, 'a parameter name', 'The tag is empty.')
    else if (!free) {
      const message =
        name === '.'
          ? '{{.}} means the item of a list; it stands outside every list.'
          : `"${name}" is not declared.`
      fault(start, declaredNames(types), message)
    }
    if (sigil === '#' || sigil === '^') {
      open.push({ ...tag, frees: sigil === '#' && (type === 'array' || type === 'object') })
    }
  }
  for (const section of open) {
    fault(section.start, `{{/${section.name}}}`, `Section "${section.name}" is never closed.`)
  }
  return { faults, used }
}

function declaredNames(types: Map<string, unknown>): string {
  return types.size > 0
    ? `one of ${[...types.keys()].join(', ')}`
    : 'no variables: the topic declares no parameters'
}

/** The tags of a body in order; what cannot be read as a tag is reported and skipped. */
function* scanTags(
  text: string,
  fault: (at: number, expected: string, message: string) => void,
): Generator<Tag> {
  let at = text.indexOf('{{')
  while (at !== -1) {
    const close = text.startsWith('{{{', at) ? '}}}' : '}}'
    const end = text.indexOf(close, at)
    if (end === -1) {
      fault(at, `${close} that closes the tag`, 'The tag is never closed; write \\{{ for literal braces.')
      return
    }
    const inner = text.slice(at + close.length, end).trim()
    const sigil = /^[#^/>!=&]/.test(inner) ? (inner[0] as string) : ''
    yield { sigil, name: inner.slice(sigil.length).trim(), start: at }
    at = text.indexOf('{{', end + close.length)
  }
}

/** Line and column, both from 1, of an offset; a tab or an emoji's half counts one column. */
function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: (before.at(-1) as string).length + 1 }
}

/**
 * Renders a body that {@link checkTemplate} accepts. Values are inserted as they are, never HTML-escaped;
 * arrays and objects as JSON. Only own members of `values` are reachable.
 *
 * @throws AppError `too_large` when the text would exceed 1 MiB.
 */
export function renderTemplate(body: string, values: Readonly<Record<string, JsonValue>>): string {
  const output: string[] = []
  let length = 0
  let steps = 0

  const write = (text: string) => {
    length += text.length
    if (length > MAX_RENDERED) throw new AppError('too_large', 'The rendered prompt is larger than 1 MiB.')
    output.push(text)
  }
  const visit = (nodes: Node[], scopes: unknown[]): void => {
    for (const node of nodes) {
      if (++steps > MAX_STEPS) throw new AppError('too_large', 'The prompt takes too many steps to render.')
      if (node.kind === 'text') write(node.text)
      else if (node.kind === 'value') write(textOf(lookUp(node.path, scopes)))
      else visitSection(node, scopes)
    }
  }
  const visitSection = ({ path, inverted, nodes }: SectionNode, scopes: unknown[]): void => {
    const value = lookUp(path, scopes)
    const shown = Array.isArray(value) ? value.length > 0 : Boolean(value)
    if (shown === inverted) return
    if (inverted || value === true) visit(nodes, scopes)
    else for (const item of Array.isArray(value) ? value : [value]) visit(nodes, [...scopes, item])
  }

  visit(compile(body), [values])
  return output.join('')
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Finds the innermost scope that has the first name, then reads own members along the path. */
function lookUp(path: string[], scopes: unknown[]): unknown {
  const [root, ...rest] = path as [string, ...string[]]
  if (root === '.') return scopes.at(-1)
  const scope = scopes.findLast((candidate) => ownMember(candidate, root) !== undefined)
  return rest.reduce((holder: unknown, name) => ownMember(holder, name), ownMember(scope, root))
}

interface SectionNode {
  kind: 'section'
  path: string[]
  inverted: boolean
  nodes: Node[]
}
type Node = { kind: 'text'; text: string } | { kind: 'value'; path: string[] } | SectionNode

const parser = new Mustache.Writer()
// The writer's own cache never forgets; ours is bounded, by the size of what it keeps.
Object.assign(parser, { templateCache: undefined })
const compiled = new LRUCache<string, Node[]>({
  maxSize: 16 * 1024 * 1024,
  sizeCalculation: (_, body) => body.length * 2 + 1,
})

function compile(body: string): Node[] {
  let nodes = compiled.get(body)
  if (!nodes) {
    nodes = nodesOf(parser.parse(maskEscapes(body)))
    compiled.set(body, nodes)
  }
  return nodes
}

/** Mustache's tokens are positional arrays: [kind, text or name, start, end, children of a section, …]. */
function nodesOf(tokens: readonly (readonly unknown[])[]): Node[] {
  return tokens.flatMap(([kind, text, , , children]): Node[] => {
    switch (kind) {
      case 'text':
        return [{ kind: 'text', text: unmaskEscapes(text as string) }]
      case 'name':
      case '&':
        return [{ kind: 'value', path: pathOf(text as string) }]
      case '#':
      case '^': {
        const nodes = nodesOf(children as unknown[][])
        return [{ kind: 'section', path: pathOf(text as string), inverted: kind === '^', nodes }]
      }
      default:
        return []
    }
  })
}

function pathOf(name: string): string[] {
  return name === '.' ? ['.'] : name.split('.')
}

/*
 * As in Handlebars, `\{{` stands for a literal `{{`, and `\\{{name}}` for a backslash before a tag. Bodies hold
 * no NUL (spec §1), so NUL marks the place, in as many characters as it replaces: positions stay true.
 */
const LITERAL_BRACES = '\0\0\0'

function maskEscapes(body: string): string {
  return body.includes('\\{{')
    ? body.replace(/(\\?)\\\{\{/g, (_, backslash: string) => (backslash ? '\0\\{{' : LITERAL_BRACES))
    : body
}

function unmaskEscapes(text: string): string {
  return text.includes('\0') ? text.replaceAll(LITERAL_BRACES, '{{').replaceAll('\0', '') : text
}

/** Puts `\` before every `{{` of a foreign body that does not open a tag of a declared parameter. */
export function escapeForeignBraces(body: string, definitions: readonly ParameterDefinition[]): string {
  const names = new Set(definitions.map((definition) => definition.name))
  return body.replace(/\{\{(?!\{)([^{}]*)\}\}|\{\{/g, (braces, inner: string | undefined) => {
    const name = inner?.trim().replace(/^[#^/&]\s*/, '')
    return name !== undefined && names.has(name.split('.', 1)[0] as string) ? braces : `\\${braces}`
  })
}
