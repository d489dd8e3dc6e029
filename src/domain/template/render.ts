import { LRUCache } from 'lru-cache'
import Mustache from 'mustache'
import { type JsonValue, ownMember } from '../../util/json.ts'
import { AppError } from '../errors.ts'
import { maskEscapes, unmaskEscapes, withoutComments } from './tags.ts'

/** Largest rendered prompt in bytes of UTF-8. */
export const MAX_RENDERED_BYTES = 1024 * 1024
/** Nodes one rendering may visit: nested sections over long lists multiply without writing a character. */
const MAX_STEPS = 1_000_000

/**
 * Renders a template that {@link checkTemplate} accepts. Values are inserted as they are, never HTML-escaped;
 * arrays and objects as JSON. Only own members of `values` are reachable.
 *
 * @throws AppError `too_large` when the text would exceed 1 MiB.
 */
export function renderTemplate(template: string, values: Readonly<Record<string, JsonValue>>): string {
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
    // As in mustache.js, `true` shows a section without hiding the item around it.
    const isScope = !inverted && (value !== true || scopes.length === 1)
    if (!isScope) visit(nodes, scopes)
    for (const item of isScope ? [value].flat() : []) {
      step()
      visit(nodes, [...scopes, item])
    }
  }

  visit(compile(template), [values])
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
  sizeCalculation: (_, template) => template.length * 2 + 1,
})

function compile(template: string): Node[] {
  let nodes = compiled.get(template)
  if (!nodes) {
    // Comments are emptied first: the parser takes quadratic time to find the end of a long one.
    nodes = nodesOf(parser.parse(withoutComments(maskEscapes(template))))
    compiled.set(template, nodes)
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
