import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react'
import type { EditorHandle } from '../../editor/code-editor.tsx'
import type { Problem } from '../../editor/diagnostics.ts'
import type { Topic } from '../../rest/topics.ts'
import { Failure, Waiting } from '../../ui/notice.tsx'
import { useKeys } from '../../ui/use-keys.ts'
import { useTitle } from '../../ui/use-title.ts'
import { translated } from '../../words/faults.ts'
import { useWords } from '../../words/words.ts'
import { type Sampling, useSampling } from '../samples/use-sampling.ts'
import { DraftBar } from './draft-bar.tsx'
import { MergeDialog } from './merge-dialog.tsx'
import { NewerBar } from './newer-bar.tsx'
import { ProblemList } from './problem-list.tsx'
import css from './prompt-page.module.css'
import { SaveBar } from './save-bar.tsx'
import { SidePanel } from './side-panel.tsx'
import { useCheckedText } from './use-checked-text.ts'
import { useDeclaring } from './use-declaring.ts'
import { type Editing, useEditing } from './use-editing.ts'
import { type LivePrompt, useLivePrompt } from './use-live-prompt.ts'
import { useSaving } from './use-saving.ts'

// On its way while the text is.
const codeEditor = import('../../editor/code-editor.tsx')
const CodeEditor = lazy(() => codeEditor)

interface PromptPageProps {
  topic: Topic
  prompt_type: string
}

/** One prompt of a topic, being edited. */
export function PromptPage({ topic, prompt_type }: PromptPageProps) {
  const editor = useRef<EditorHandle>(null)
  const { live, error, retry } = useLivePrompt(topic, prompt_type)
  const editing = useEditing(topic.topic_id, prompt_type, live, editor)
  const sampling = useSampling(topic)
  useTitle(`${topic.topic_name} · ${prompt_type}`)
  if (error && !live) return <Failure error={error} retry={retry} />
  if (!live || !editing || !sampling) return <Waiting />
  return <PromptEditor {...{ topic, prompt_type, live, editing, editor, sampling }} />
}

interface PromptEditorProps extends PromptPageProps {
  live: LivePrompt
  editing: Editing
  editor: { current: EditorHandle | null }
  sampling: Sampling
}

function PromptEditor({ topic, prompt_type, live, editing, editor, sampling }: PromptEditorProps) {
  const words = useWords()
  const [note, setNote] = useState('')
  const [isMerging, setIsMerging] = useState(false)
  const saving = useSaving(topic.topic_id, prompt_type, editing)
  const checked = useCheckedText(topic, prompt_type, editing.text, sampling.samples)
  const declare = useDeclaring(topic)
  const isReadOnly = topic.deleted_at !== undefined
  const problems = useMemo(
    () => problemsOf([...saving.faults.filter((fault) => fault.line === undefined), ...checked.faults]),
    [saving.faults, checked.faults],
  )

  /** A fault that names a variable which could be declared can be fixed on the spot. */
  function problemsOf(faults: readonly { message: string; line?: number; column?: number }[]): Problem[] {
    return faults.map(({ message, line, column }) => {
      const name = /^"([a-z0-9_]+)" is not declared/.exec(message)?.[1]
      const fix =
        name !== undefined && checked.undeclared.has(name)
          ? { label: words.variables.declare(name), run: () => void declare(name) }
          : undefined
      return { message: translated(message, words.phrases), line, column, severity: 'error', fix }
    })
  }

  const save = useCallback(async () => {
    if (editing.textNow() === editing.base.content && editing.base.revision > 0) return
    if (await saving.save(note.trim())) setNote('')
  }, [editing, saving, note])
  useKeys({ 'Mod+s': () => void save() })

  const theirs = saving.conflict ?? (isMerging ? live : undefined)
  const isNewer =
    live.revision > editing.base.revision && live.content !== editing.textNow() && !saving.isSaving
  return (
    <div className={css.page}>
      <div className={css.bars}>
        <DraftBar editing={editing} live={live} />
        {isNewer && <NewerBar live={live} text={editing.text} onMerge={() => setIsMerging(true)} />}
      </div>
      <section className={css.text} aria-label={words.prompt.textOf(prompt_type)}>
        <SaveBar
          {...{ live, editing, note, saving, isReadOnly }}
          showsDifference={!isNewer && editing.restoredAt === undefined}
          onNote={setNote}
          onSave={() => void save()}
        />
        <div className={css.editor}>
          <Suspense fallback={<Waiting />}>
            <CodeEditor
              handle={editor}
              label={words.prompt.textOf(prompt_type)}
              text={editing.textNow()}
              parameters={topic.allowed_parameters}
              problems={problems}
              isReadOnly={isReadOnly}
              onChange={editing.type}
              onSave={() => void save()}
            />
          </Suspense>
        </div>
        <ProblemList
          problems={problems}
          bytes={checked.bytes}
          onGo={(line, column) => editor.current?.goTo(line, column)}
        />
      </section>
      <SidePanel
        {...{ topic, checked, sampling }}
        onInsert={(name) => editor.current?.insert(`{{${name}}}`)}
        onDeclare={declare}
      />
      {theirs && (
        <MergeDialog
          base={editing.base.content}
          mine={editing.textNow()}
          theirs={theirs}
          isSaving={saving.isSaving}
          onSave={async (text) => {
            if (await saving.save(note.trim(), text, theirs.revision)) setIsMerging(false)
          }}
          onTake={(text) => {
            editing.rebase(theirs, text)
            saving.settleConflict()
            setIsMerging(false)
          }}
          onClose={() => {
            saving.settleConflict()
            setIsMerging(false)
          }}
        />
      )}
    </div>
  )
}
