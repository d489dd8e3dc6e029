import { markdownKeymap, markdownLanguage } from '@codemirror/lang-markdown'
import { EditorState, type Extension } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import type { Words } from '../words/en.ts'
import { mustache } from './mustache.ts'
import { look } from './theme.ts'

export { markdownKeymap }

/** What every view of a prompt text has, whether it can be edited or not. */
export function textView(label: string, words: Words): Extension {
  return [
    EditorView.cspNonce.of(document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
    EditorState.phrases.of(words.editor.phrases),
    EditorView.lineWrapping,
    lineNumbers(),
    // The parser alone: the package's own set-up would bring those of HTML, CSS and JavaScript along.
    markdownLanguage,
    mustache(),
    look,
  ]
}
