import { LRUCache } from 'lru-cache'
import Mustache from 'mustache'
import { AppError, type FieldError } from './errors.ts'
import { isIdentifier } from './identifiers.ts'
import { type JsonValue, ownMember } from './json.ts'
import type { ParameterDefinition } from './parameters.ts'

/** Largest rendered prompt in bytes of UTF-8 (spec §5). */
export const MAX_RENDERED_BYTES = 1024 * 1024
/** Nodes one rendering may visit: nested sections over long lists multiply without writing a character. */
const MAX_STEPS = 1_000_000
/** Sections within sections. Deeper ones no person reads, and each level adds to the cost of a look-up. */
const MAX_NESTING = 32

/** What a body says about itself: its errors, the declared parameters it uses, and plain variables that are not declared. */
export interface TemplateCheck {
  errors: Omit<FieldError, 'path'>[]
  used: Set<string>
  undeclared: Set<string>
}

/** Dotted names, and `.` for the item of a list. Mustache would take more, and read it in its own ways. */
const NAME = /^[^\s{}#^/&>!=]+$/

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
  const errors: TemplateCheck['errors'] = []
  const used = new Set<string>()
  const undeclared = new Set<string>()
  const open: (Tag & { frees: boolean })[] = []
  const text = maskEscapes(body)
  const positionOf = positionsIn(body)
  const fault = (at: number, expected: string, message: string) =>
    errors.push({ ...positionOf(at), expected, message })

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
      if (!section)
        fault(start, 'no closing tag here', `Section ${quote(name)} is closed but was never opened.`)
      else if (section.name !== name) {
        fault(start, 'the closing tag of that section', `Section ${quote(section.name)} is still open.`)
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
          : `${quote(name)} is not declared.`
      fault(start, declaredNames(types), message)
      if (sigil === '' && isIdentifier(name)) undeclared.add(name)
    } else if (!NAME.test(name)) {
      fault(start, 'a name without white space and braces', `${quote(name)} is not a name.`)
    }
    if (sigil === '#' || sigil === '^') {
      if (open.length === MAX_NESTING) {
        fault(start, `at most ${MAX_NESTING} levels`, `Sections nest deeper than ${MAX_NESTING} levels.`)
      }
      open.push({ ...tag, frees: sigil === '#' && (type === 'array' || type === 'object') })
    }
  }
  for (const section of open) {
    fault(section.start, 'a closing tag further on', `Section ${quote(section.name)} is never closed.`)
  }
  return { errors, used, undeclared }
}

/** What stands in a tag may be half a page of text: show what can be a name, and the beginning of the rest. */
function quote(name: string): string {
  const line = name.replace(/\s+/g, ' ')
  return line.length > 40 ? `"${line.slice(0, 40)}…"` : `"${line}"`
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
    const sigil = close === '}}' && /^[#^/>!=&]/.test(inner) ? (inner[0] as string) : ''
    yield { sigil, name: inner.slice(sigil.length).trim(), start: at }
    at = text.indexOf('{{', end + close.length)
  }
}

/** Line and column, both from 1, of an offset into `text`; half of an emoji counts as one column. */
function positionsIn(text: string): (offset: number) => { line: number; column: number } {
  let starts: number[] | undefined
  return (offset) => {
    starts ??= [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)]
    let line = starts.length
    while ((starts[line - 1] as number) > offset) line--
    return { line, column: offset - (starts[line - 1] as number) + 1 }
  }
}

/**
 * Renders a body that {@link checkTemplate} accepts. Values are inserted as they are, never HTML-escaped;
 * arrays and objects as JSON. Only own members of `values` are reachable.
 *
 * @throws AppError `too_large` when the text would exceed 1 MiB.
 */
export function renderTemplate(body: string, values: Readonly<Record<string, JsonValue>>): string {
  const output: string[] = []
  let bytes = 0
  let steps = 0

  const step = () => {
    if (++steps > MAX_STEPS) throw new AppError('too_large', 'The prompt takes too many steps to render.')
  }
  const write = (text: string) => {
    bytes += Buffer.byteLength(text)
    if (bytes > MAX_RENDERED_BYTES)
      throw new AppError('too_large', 'The rendered prompt is larger than 1 MiB.')
    output.push(text)
  }
  const visit = (nodes: Node[], scopes: unknown[]): void => {
    for (const node of nodes) {
      step()
      if (node.kind === 'text') write(node.text)
      else if (node.kind === 'value') write(textOf(resolvePath(node.path, scopes)))
      else visitSection(node, scopes)
    }
  }
  const visitSection = ({ path, inverted, nodes }: SectionNode, scopes: unknown[]): void => {
    const value = resolvePath(path, scopes)
    const shown = Array.isArray(value) ? value.length > 0 : Boolean(value)
    if (shown === inverted) return
    const isScope = !inverted && value !== true
    if (!isScope) visit(nodes, scopes)
    for (const item of isScope ? [value].flat() : []) {
      step()
      visit(nodes, [...scopes, item])
    }
  }

  visit(compile(body), [values])
  return output.join('')
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Finds the innermost scope that has the first name, then reads own members along the path. */
function resolvePath(path: string[], scopes: unknown[]): unknown {
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
    // Comments are emptied first: the parser takes quadratic time to find the end of a long one.
    nodes = nodesOf(parser.parse(maskEscapes(body).replace(/\{\{\s*![\s\S]*?\}\}/g, '{{!}}')))
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
 * As in Handlebars, `\{{` stands for a literal `{{`, and `\\{{name}}` for a backslash before a tag: of the backslashes
 * before braces every second one is dropped, and an odd one makes the braces literal. Bodies hold no NUL (spec §1),
 * so NUL marks what is dropped or literal, in as many characters as it replaces: positions stay true.
 */
const LITERAL_BRACES = '\0\0\0'

function maskEscapes(body: string): string {
  if (!body.includes('\\{{')) return body
  return body.replace(/(\\+)\{\{/g, (_, { length }: string) => {
    const kept = '\0\\'.repeat(Math.floor(length / 2))
    return kept + (length % 2 === 1 ? LITERAL_BRACES : '{{')
  })
}

function unmaskEscapes(text: string): string {
  return text.includes('\0') ? text.replaceAll(LITERAL_BRACES, '{{').replaceAll('\0', '') : text
}

/**
 * Makes the braces of a foreign body literal where they are no tags of declared parameters. A body that is a
 * faultless template already stays as it is; but comments and escapes, which would vanish
 * from it, are made literal as well.
 */
export function escapeForeignBraces(body: string, definitions: readonly ParameterDefinition[]): string {
  const isOurs = !/\\\{\{|\{\{\s*!/.test(body)
  if (isOurs && checkTemplate(body, definitions).errors.length === 0) return body
  const names = new Set(definitions.map((definition) => definition.name))
  const foreignTag = /(\\*)(\{{2,3}[#^/&]?\s*([^\s{}.]*)[^{}]*\}{2,3}|\{\{)/g
  return body.replace(foreignTag, (_, backslashes: string, braces: string, name: string | undefined) => {
    const doubled = backslashes.repeat(2)
    return name !== undefined && names.has(name) ? doubled + braces : `${doubled}\\${braces}`
  })
}
