import type { FieldError } from '../errors.ts'
import { isIdentifier } from '../names.ts'
import type { ParameterDefinition } from '../parameters.ts'
import { maskEscapes, scanTags, type Tag } from './tags.ts'

/** Sections within sections. Deeper ones no person reads, and each level adds to the cost of a look-up. */
const MAX_NESTING = 32
/** Dotted names, and `.` for the value of the section. Mustache would take more, and read it in its own ways. */
const NAME = /^[^\s{}#^/&>!=]+$/
const EXPECTED_NAME = 'a name without white space and braces'

/** What a text says about itself: its errors, the declared parameters it uses, and plain variables that are not declared. */
export interface TemplateCheck {
  errors: Omit<FieldError, 'path'>[]
  used: Set<string>
  undeclared: Set<string>
}

/**
 * Checks a text against the parameters of its topic: syntax errors, partials, delimiter changes and every variable that
 * is not declared, all in one answer. Inside a section over an array or object the item's own fields are free.
 *
 * Needs nothing but the language: a page in a browser checks drafts with it.
 *
 * @example checkTemplate('Hello {{nme}}', definitions).errors[0] // { line: 1, column: 7, message: '"nme" is not declared.', … }
 */
export function checkTemplate(text: string, definitions: readonly ParameterDefinition[]): TemplateCheck {
  const positionOf = positionsIn(text)
  const errors: TemplateCheck['errors'] = []
  const report: Report = (at, expected, message) => errors.push({ ...positionOf(at), expected, message })
  const names = createNameCheck(definitions, report)
  const sections = createSectionCheck(names, report)
  for (const tag of scanTags(maskEscapes(text))) {
    if (tag.missing) {
      const message = 'The tag is never closed; write \\{{ for literal braces.'
      report(tag.start, `${tag.missing} that closes the tag`, message)
      continue
    }
    switch (tag.sigil) {
      case '!':
        break
      case '>':
      case '=': {
        const what = tag.sigil === '>' ? 'Partials' : 'Delimiter changes'
        const message = `${what} are not supported; write \\{{ for literal braces.`
        report(tag.start, 'a variable or a section', message)
        break
      }
      case '/':
        sections.close(tag)
        break
      case '#':
      case '^':
        names.check(tag, sections)
        sections.open(tag)
        break
      default:
        names.check(tag, sections)
    }
  }
  sections.end()
  return { errors, used: names.used, undeclared: names.undeclared }
}

/** What the sections around a tag allow. */
interface OpenSections {
  /** Whether any name may be a field of an item. */
  areNamesFree(): boolean
  /** Whether `{{.}}` means something. */
  haveValue(): boolean
}

type Report = (at: number, expected: string, message: string) => void

/** Checks that names are declared. */
function createNameCheck(definitions: readonly ParameterDefinition[], report: Report) {
  const types = new Map(definitions.map((definition) => [definition.name, definition.type]))
  const declared =
    types.size > 0
      ? `one of ${[...types.keys()].join(', ')}`
      : 'no variables: the topic declares no parameters'
  const used = new Set<string>()
  const undeclared = new Set<string>()
  const typeOf = (name: string) => types.get(name.split('.', 1)[0] as string)

  function check({ sigil, name, start }: Tag, sections: OpenSections): void {
    if (typeOf(name) !== undefined) {
      used.add(name.split('.', 1)[0] as string)
      // Most often the braces of a tag that was not closed; rendering would take `{{!` for a comment.
      if (name.includes('{{')) report(start, EXPECTED_NAME, `${quote(name)} is not a name.`)
    } else if (name === '') report(start, 'a parameter name', 'The tag is empty.')
    else if (name === '.' ? !sections.haveValue() : !sections.areNamesFree()) {
      const message =
        name === '.'
          ? '{{.}} means the value of a section; it stands outside every section.'
          : `${quote(name)} is not declared.`
      report(start, declared, message)
      if (sigil === '' && isIdentifier(name)) undeclared.add(name)
    } else if (!NAME.test(name)) {
      report(start, EXPECTED_NAME, `${quote(name)} is not a name.`)
    }
  }

  return { check, typeOf, used, undeclared }
}

/** Checks that sections are closed in the order in which they were opened. */
function createSectionCheck(names: { typeOf(name: string): string | undefined }, report: Report) {
  const stack: (Tag & { freesNames: boolean })[] = []

  return {
    areNamesFree: () => stack.some((section) => section.freesNames),
    haveValue: () => stack.some((section) => section.sigil === '#'),
    open(tag: Tag): void {
      if (stack.length === MAX_NESTING) {
        const message = `Sections nest deeper than ${MAX_NESTING} levels.`
        report(tag.start, `at most ${MAX_NESTING} levels`, message)
      }
      const type = names.typeOf(tag.name)
      stack.push({ ...tag, freesNames: tag.sigil === '#' && (type === 'array' || type === 'object') })
    },
    close({ name, start }: Tag): void {
      const section = stack.pop()
      if (!section)
        report(start, 'no closing tag here', `Section ${quote(name)} is closed but was never opened.`)
      else if (section.name !== name) {
        report(start, 'the closing tag of that section', `Section ${quote(section.name)} is still open.`)
      }
    },
    end(): void {
      for (const { name, start } of stack) {
        report(start, 'a closing tag further on', `Section ${quote(name)} is never closed.`)
      }
    },
  }
}

/** What stands in a tag may be half a page of text: show what can be a name, and the beginning of the rest. */
function quote(name: string): string {
  const line = name.replace(/\s+/g, ' ')
  return line.length > 40 ? `"${line.slice(0, 40)}…"` : `"${line}"`
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
