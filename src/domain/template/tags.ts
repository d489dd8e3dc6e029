/*
 * The grammar of templates: Mustache without partials and changes of delimiters, with the escapes of Handlebars. What
 * stands here runs in a browser, too. Texts are rendered by Mustache's own parser; a property test holds the two to the
 * same tags.
 */

/** A tag as it stands in a text. */
export interface Tag {
  /** `#`, `^`, `/`, `!`, `>`, `=` or `&`; empty for a plain variable, whether in two braces or three. */
  sigil: string
  name: string
  /** Offset of the first brace. */
  start: number
  /** The braces that would close the tag, where they are missing. Such a tag is the last one. */
  missing?: '}}' | '}}}'
}

/**
 * The tags of a text in order.
 *
 * @param text a text without escapes; see {@link maskEscapes}.
 * @example [...scanTags('Hello {{name}}')] // [{ sigil: '', name: 'name', start: 6 }]
 */
export function* scanTags(text: string): Generator<Tag> {
  let start = text.indexOf('{{')
  while (start !== -1) {
    const close = text.startsWith('{{{', start) ? '}}}' : '}}'
    const end = text.indexOf(close, start)
    if (end === -1) {
      yield { sigil: '', name: '', start, missing: close }
      return
    }
    const inner = text.slice(start + close.length, end).trim()
    const sigil = close === '}}' && /^[#^/>!=&]/.test(inner) ? (inner[0] as string) : ''
    yield { sigil, name: inner.slice(sigil.length).trim(), start }
    start = text.indexOf('{{', end + close.length)
  }
}

/*
 * As in Handlebars, `\{{` stands for a literal `{{`, and `\\{{name}}` for a backslash before a tag: of the backslashes
 * before braces every second one is dropped, and an odd one makes the braces literal. Texts hold no NUL, so NUL marks
 * what is dropped or literal, in as many characters as it replaces: positions stay true.
 */
const LITERAL_BRACES = '\0\0\0'

/** The text with NULs in place of escapes, so that every `{{` in it begins a tag. */
export function maskEscapes(text: string): string {
  if (!text.includes('\\{{')) return text
  return text.replace(/(\\+)\{\{/g, (_, { length }: string) => {
    const kept = '\0\\'.repeat(Math.floor(length / 2))
    return kept + (length % 2 === 1 ? LITERAL_BRACES : '{{')
  })
}

/** What a masked text stands for. */
export function unmaskEscapes(text: string): string {
  return text.includes('\0') ? text.replaceAll(LITERAL_BRACES, '{{').replaceAll('\0', '') : text
}

/** The masked text with empty comments: Mustache's parser takes quadratic time to find the end of a long one. */
export function withoutComments(text: string): string {
  return text.replace(/\{\{\s*![\s\S]*?\}\}/g, '{{!}}')
}
