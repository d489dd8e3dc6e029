import { useMemo } from 'react'
import type { Topic } from '../../rest/topics.ts'
import { Notice } from '../../ui/notice.tsx'
import { useTitle } from '../../ui/use-title.ts'
import { translated } from '../../words/faults.ts'
import { useWords } from '../../words/words.ts'
import { RecordBar } from '../record-bar.tsx'
import { type RecordPlace, useRecordEdit } from '../use-record-edit.ts'
import { usedNames, useTexts } from '../use-texts.ts'
import { type Consequences, consequencesOf } from './consequences.ts'
import { ParameterRow } from './parameter-row.tsx'
import css from './parameters-page.module.css'
import { EMPTY_ROW, parameterOf, type Row, rowOf } from './row.ts'

const PLACE: RecordPlace<{ rows: readonly Row[] }> = {
  name: 'parameters',
  read: (topic) => ({ rows: topic.allowed_parameters.map(rowOf) }),
  changesOf: ({ rows }) => (rows ? { allowed_parameters: rows.map(parameterOf) } : {}),
}

/** The parameters of a topic as a table. */
export default function ParametersPage({ topic }: { topic: Topic }) {
  const words = useWords()
  const edit = useRecordEdit(topic, PLACE)
  const { texts, areComplete } = useTexts(topic)
  const { rows } = edit.fields
  const parameters = useMemo(() => rows.map(parameterOf), [rows])
  const consequences = useMemo(
    () => consequencesOf(topic.allowed_parameters, parameters, texts),
    [topic.allowed_parameters, parameters, texts],
  )
  const used = useMemo(() => usedNames(parameters, texts.values()), [parameters, texts])
  const set = (next: readonly Row[]) => edit.change({ rows: next })
  const isReadOnly = topic.deleted_at !== undefined
  useTitle(`${words.parameters.title} · ${topic.topic_name}`)
  return (
    <section className={css.page}>
      <RecordBar title={words.parameters.title} topic={topic} edit={edit} />
      {edit.isDirty && <ConsequenceNotice {...consequences} />}
      {rows.length === 0 && <p className={css.hint}>{words.parameters.none}</p>}
      <ol className={css.rows}>
        {rows.map((row, index) => (
          <ParameterRow
            // A name that is being typed is no key.
            key={index}
            row={row}
            isReadOnly={isReadOnly}
            isUnused={areComplete && row.name !== '' && !used.has(row.name)}
            faults={edit.faults.filter(({ path }) => path.startsWith(`allowed_parameters.${index}.`))}
            onChange={(changes) => set(rows.map((one, at) => (at === index ? { ...one, ...changes } : one)))}
            onRemove={() => set(rows.filter((_, at) => at !== index))}
            {...(index > 0 && { onMoveUp: () => set(moved(rows, index, index - 1)) })}
            {...(index < rows.length - 1 && { onMoveDown: () => set(moved(rows, index, index + 1)) })}
          />
        ))}
      </ol>
      {!isReadOnly && (
        <div>
          <button type="button" onClick={() => set([...rows, EMPTY_ROW])}>
            {words.parameters.add}
          </button>
        </div>
      )}
    </section>
  )
}

function moved(rows: readonly Row[], from: number, to: number): Row[] {
  const row = rows[from] as Row
  return rows.filter((_, index) => index !== from).toSpliced(to, 0, row)
}

function ConsequenceNotice({ broken, dropped, demanded }: Consequences) {
  const words = useWords()
  if (broken.length > 0) {
    return (
      <Notice tone="bad">
        <strong>{words.parameters.breaks(broken.length)}</strong>
        <ul className={css.faults}>
          {broken.map(({ prompt_type, line, column, message }) => (
            <li key={`${prompt_type} ${line}:${column}`}>
              <code>
                {prompt_type} {line}:{column}
              </code>{' '}
              {translated(message, words.phrases)}
            </li>
          ))}
        </ul>
      </Notice>
    )
  }
  if (dropped.length + demanded.length === 0) return null
  return (
    <Notice tone="warn">
      {dropped.length > 0 && <p>{words.parameters.dropped(dropped.join(', '))}</p>}
      {demanded.length > 0 && <p>{words.parameters.demanded(demanded.join(', '))}</p>}
    </Notice>
  )
}
