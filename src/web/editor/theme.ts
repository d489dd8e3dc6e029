import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** Markdown, quietly: the words are what matters. */
const MARKDOWN = HighlightStyle.define([
  { tag: tags.heading, fontWeight: '700' },
  { tag: tags.strong, fontWeight: '700' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: [tags.link, tags.url], color: 'var(--accent)' },
  { tag: [tags.monospace, tags.quote], color: 'var(--muted)' },
  { tag: [tags.processingInstruction, tags.contentSeparator], color: 'var(--muted)' },
])

const wavy = (colour: string) => ({
  // The linter's own line is an image inside a style sheet, which the page's policy forbids.
  backgroundImage: 'none',
  textDecoration: `underline wavy ${colour}`,
  textDecorationSkipInk: 'none',
  textUnderlineOffset: '3px',
})

const LOOK = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'transparent', fontSize: '0.875rem' },
  // Where a person types for minutes, a frame would be loud: the cursor, its line and an edge show the focus.
  '&.cm-focused': { outline: 'none', boxShadow: 'inset 2px 0 var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.65', overflow: 'auto' },
  '.cm-content': { padding: '0.75rem 0', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0 1rem 0 0.75rem' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': {
    padding: '0 0.25rem 0 0.75rem',
    minWidth: '2.75rem',
    fontSize: '0.75rem',
  },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'color-mix(in oklab, var(--text), transparent 96%)' },
  '&.cm-focused .cm-activeLineGutter': { color: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in oklab, var(--accent), transparent 72%)',
  },
  '.cm-tag': { borderRadius: '3px' },
  '.cm-tag-declared': { color: 'var(--good)', backgroundColor: 'var(--good-soft)' },
  '.cm-tag-section': { color: 'var(--accent)', backgroundColor: 'var(--accent-soft)' },
  '.cm-tag-undeclared, .cm-tag-broken': { color: 'var(--bad)', backgroundColor: 'var(--bad-soft)' },
  '.cm-tag-comment': { color: 'var(--muted)', fontStyle: 'italic' },
  '.cm-lintRange-error': wavy('var(--bad)'),
  '.cm-lintRange-warning': wavy('var(--warn)'),
  '.cm-lintRange-active': { backgroundColor: 'var(--bad-soft)' },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: '8px',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete ul': { fontFamily: 'var(--mono)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '0.2rem 0.6rem' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--accent-fill)',
    color: 'var(--on-accent)',
  },
  '.cm-completionDetail': { marginLeft: '0.75rem', fontStyle: 'normal' },
  '.cm-completionInfo': { padding: '0.4rem 0.6rem', maxWidth: '20rem', fontFamily: 'var(--sans)' },
  // It would cover the suggestions.
  '@media (max-width: 40rem)': { '.cm-completionInfo': { display: 'none' } },
  '.cm-diagnostic': { borderLeft: 'none', padding: '0.5rem 0.75rem', fontFamily: 'var(--sans)' },
  '.cm-diagnosticAction': {
    padding: '0.2rem 0.6rem',
    margin: '0.4rem 0 0',
    display: 'block',
    minHeight: '0',
    border: '1px solid var(--line)',
    backgroundColor: 'var(--raised)',
    color: 'var(--accent)',
  },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panel.cm-search': { padding: '0.5rem 3rem 0.5rem 0.75rem', fontSize: '0.8125rem' },
  '.cm-panel.cm-search .cm-textfield': { width: '14rem', maxWidth: '100%', margin: '0.2rem 0.4rem 0.2rem 0' },
  '.cm-panel.cm-search label': { fontSize: '0.8125rem', whiteSpace: 'nowrap' },
  '.cm-panel.cm-search input[type=checkbox]': { margin: '0 0.3rem 0 0.4rem', verticalAlign: '-2px' },
  '.cm-panel.cm-search [name=close]': { top: '0.6rem', right: '0.6rem', width: '2rem', fontSize: '1rem' },
  '.cm-button': {
    padding: '0.1rem 0.6rem',
    border: '1px solid var(--line)',
    borderRadius: 'var(--radius)',
    background: 'var(--raised)',
    fontSize: '0.8125rem',
  },
  '.cm-textfield': {
    border: '1px solid var(--line-strong)',
    backgroundColor: 'var(--surface)',
    color: 'var(--text)',
    fontSize: '0.8125rem',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
  '.cm-searchMatch-selected': { backgroundColor: 'color-mix(in oklab, var(--warn), transparent 60%)' },
  '.cm-placeholder': { color: 'var(--muted)' },
})

const DIFFERENCE = EditorView.theme({
  '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--bad-soft)' },
  '&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine': { backgroundColor: 'var(--good-soft)' },
  '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in oklab, var(--bad), transparent 75%)',
  },
  '&.cm-merge-b .cm-changedText': { background: 'color-mix(in oklab, var(--good), transparent 75%)' },
  // What was declared when a text was written is not known here.
  '.cm-tag-declared, .cm-tag-section, .cm-tag-undeclared': {
    color: 'var(--accent)',
    backgroundColor: 'transparent',
  },
  '.cm-collapsedLines': {
    padding: '0.2rem 1rem',
    background: 'var(--sunken)',
    color: 'var(--muted)',
    fontFamily: 'var(--sans)',
    // The package's own sign is in few fonts.
    '&:before, &:after': { content: '"⋯"' },
  },
})

export const look: Extension = [LOOK, syntaxHighlighting(MARKDOWN)]
export const differenceLook: Extension = DIFFERENCE
