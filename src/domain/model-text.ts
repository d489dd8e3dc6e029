import { withoutByteOrderMark } from '../util/json.ts'

/** Finds the answer in a model's text while it is generated. */
export interface AnswerFilter {
  push(piece: string): void
  /** @returns the answer in all of the text, and the part of it that was not emitted yet; emits nothing itself. */
  finish(): { answer: string; rest: string }
  /** Whether the model thought in its text. */
  hasThought(): boolean
}

/**
 * For plain text: leaves out the blocks in which a model thinks before its answer, and nothing else.
 *
 * @param emit gets the answer as it arrives, held back only where a block may begin.
 */
export function createTextFilter(emit: (text: string) => void): AnswerFilter {
  let answer = ''
  const thinking = createThinkingFilter((text) => {
    answer += text
    emit(text)
  })
  return {
    push: thinking.push,
    finish() {
      const rest = thinking.held()
      return { answer: answer + rest, rest }
    },
    hasThought: thinking.hasThought,
  }
}

/** Longest fence, with the white space around it, and longest white space before a block of thinking. */
const MAX_HELD = 64
const FENCE_OPENING = /^\s*```(?:json)?[ \t]*\r?\n/i
const MAYBE_FENCE_OPENING = /^\s*(?:`{1,2}|```[a-z]{0,4}[ \t]*\r?)?$/i
const MAYBE_FENCE_CLOSING = /\s*(?:`{1,3}\s*)?$/
const FENCE_CLOSING = /\n[ \t]*```/

/**
 * For JSON: leaves out blocks of thinking, the Markdown fence that many models put around JSON, and the words around
 * that fence.
 *
 * @param emit gets the JSON as it arrives, if the text begins with it or with its fence. Words before it may be
 *   thoughts, so what follows them is for the end. `undefined` leaves everything for the end.
 */
export function createJsonFilter(emit: ((text: string) => void) | undefined): AnswerFilter {
  let state: 'before' | 'bare' | 'fenced' | 'silent' = emit ? 'before' : 'silent'
  let whole = ''
  let emitted = ''
  let held = ''
  const thinking = createThinkingFilter(receive)

  function pass(text: string): void {
    if (text === '') return
    emitted += text
    emit?.(text)
  }

  function receive(text: string): void {
    const piece = whole === '' ? withoutByteOrderMark(text) : text
    whole += piece
    if (state === 'bare') pass(piece)
    else if (state !== 'silent') {
      held += piece
      if (state === 'before') findStart()
      else passInside()
    }
  }

  function findStart(): void {
    const opening = FENCE_OPENING.exec(held.slice(0, MAX_HELD))
    if (opening) {
      state = 'fenced'
      held = held.slice(opening[0].length)
      passInside()
    } else if (/^\s*[{[]/.test(held.slice(0, MAX_HELD))) {
      state = 'bare'
      pass(held)
    } else if (held.length >= MAX_HELD || !MAYBE_FENCE_OPENING.test(held)) state = 'silent'
  }

  /** Emits what cannot belong to the closing fence. */
  function passInside(): void {
    const closing = FENCE_CLOSING.exec(held)
    const end = held.slice(-MAX_HELD)
    const open = held.length - end.length + (MAYBE_FENCE_CLOSING.exec(end)?.index ?? end.length)
    const at = closing ? held.slice(0, closing.index).trimEnd().length : open
    pass(held.slice(0, at))
    held = held.slice(at)
    if (closing) state = 'silent'
  }

  return {
    push: thinking.push,
    finish() {
      const answer = jsonIn(whole + thinking.held())
      return { answer, rest: answer.startsWith(emitted) ? answer.slice(emitted.length) : '' }
    },
    hasThought: () => thinking.hasThought() || CLOSING_TAG.test(whole),
  }
}

const CLOSING_TAG = /<\/think(?:ing)?>/i

/** The JSON in a text: in the one fence that it has, behind its thoughts; else the text as it is. */
function jsonIn(text: string): string {
  const isPlain = !text.includes('```') && !CLOSING_TAG.test(text)
  if (isPlain || isJson(text)) return text
  // The templates of some models write the opening tag, so that only the closing one is in the text.
  const said = (text.split(new RegExp(CLOSING_TAG, 'gi')).at(-1) ?? '').trimStart()
  const [first, second, ...more] = said.matchAll(/^[ \t]*```/gm)
  const opening = /^[ \t]*```(?:json)?[ \t]*\r?\n/im.exec(said)
  if (!first || !opening || opening.index !== first.index || more.length > 0) return said
  const start = opening.index + opening[0].length
  if (second) return said.slice(start, second.index).trimEnd()
  const inside = said.slice(start).trimEnd()
  const isWrapped = inside.endsWith('```') && said.slice(0, opening.index).trim() === ''
  return isWrapped ? inside.slice(0, -3).trimEnd() : said
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether a text is one whole JSON object. */
export function isWholeObject(text: string): boolean {
  return /^\s*\{/.test(text) && isJson(withoutByteOrderMark(text))
}

const OPENING_TAGS = ['<think>', '<thinking>']

/**
 * Leaves out the blocks `<think>…</think>` and `<thinking>…</thinking>` with which a text begins, and the white space
 * behind them.
 */
function createThinkingFilter(emit: (text: string) => void) {
  let state: 'before' | 'thinking' | 'behind' = 'before'
  let held = ''
  let closing = CLOSING_TAG
  let hasThought = false

  /** @returns whether a block begins; what is certain to be behind the blocks is emitted. */
  function findOpening(): boolean {
    if (hasThought) held = held.trimStart()
    const start = held.slice(0, MAX_HELD).trimStart().toLowerCase()
    const tag = OPENING_TAGS.find((one) => start.startsWith(one))
    if (tag) {
      state = 'thinking'
      hasThought = true
      closing = new RegExp(tag.replace('<', '</'), 'i')
      held = held.trimStart().slice(tag.length)
    } else if (held.length >= MAX_HELD || !OPENING_TAGS.some((one) => one.startsWith(start))) {
      state = 'behind'
      emit(held)
      held = ''
    }
    return tag !== undefined
  }

  /** @returns whether the block ends. */
  function findClosing(): boolean {
    const found = closing.exec(held)
    if (found) state = 'before'
    held = found ? held.slice(found.index + found[0].length) : held.slice(-closing.source.length)
    return found !== null
  }

  return {
    push(piece: string): void {
      if (piece === '') return
      if (state === 'behind') emit(piece)
      else {
        held += piece
        while (state === 'before' ? findOpening() : state === 'thinking' && findClosing()) {
          // As many blocks as are whole.
        }
      }
    },
    /** What was not emitted because a block might have begun. */
    held: () => (state === 'before' ? held : ''),
    hasThought: () => hasThought,
  }
}
