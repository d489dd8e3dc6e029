import { type ChangeEvent, useRef } from 'react'
import type { Topic } from '../../rest/topics.ts'
import { downloadJson } from '../../ui/download.ts'
import { showToast } from '../../ui/toasts.ts'
import { useWords } from '../../words/words.ts'
import { casesIn, fileOf, NoCases, withCases } from './cases.ts'
import css from './cases-bar.module.css'
import type { Sampling } from './use-sampling.ts'

/** Which case the values are of, and what can be done with cases. */
export function CasesBar({ topic, sampling }: { topic: Topic; sampling: Sampling }) {
  const words = useWords().samples
  const { cases, at, replace } = sampling
  const file = useRef<HTMLInputElement>(null)
  const chosen = cases[at]
  const rename = (name: string) => chosen && replace(cases.with(at, { ...chosen, name }), at)
  const add = () => {
    const name = words.caseName(cases.length + 1)
    if (chosen) replace([...cases, { ...chosen, name }], cases.length)
  }
  const remove = () => replace(cases.toSpliced(at, 1), Math.max(0, at - 1))
  const take = async ({ currentTarget: input }: ChangeEvent<HTMLInputElement>) => {
    const [file] = input.files ?? []
    if (!file) return
    try {
      const { cases: added, unknown } = casesIn(await file.text(), topic.allowed_parameters)
      const next = withCases(cases, added)
      replace(next, next.length - added.length)
      const left = unknown.length > 0 ? ` ${words.leftOut(unknown.join(', '))}` : ''
      showToast({ text: words.imported(added.length) + left, tone: 'done' })
    } catch (error) {
      if (!(error instanceof NoCases)) throw error
      showToast({ text: words.noCases[error.reason], tone: 'failed' })
    } finally {
      // The same file can be chosen again.
      input.value = ''
    }
  }
  return (
    <div className={css.bar}>
      {cases.length > 1 && (
        <select
          aria-label={words.cases}
          value={at}
          onChange={(event) => replace(cases, Number(event.currentTarget.value))}
        >
          {cases.map(({ name }, index) => (
            // Two cases may have one name.
            <option key={index} value={index}>
              {name}
            </option>
          ))}
        </select>
      )}
      <input
        aria-label={words.nameOfCase}
        maxLength={100}
        value={chosen?.name ?? ''}
        onInput={(event) => rename(event.currentTarget.value)}
      />
      <button type="button" onClick={add}>
        {words.addCase}
      </button>
      {cases.length > 1 && (
        <button type="button" onClick={remove}>
          {words.removeCase}
        </button>
      )}
      <button
        type="button"
        onClick={() => downloadJson(`${topic.topic_id}.samples.json`, fileOf(topic, cases))}
      >
        {words.export}
      </button>
      <button type="button" onClick={() => file.current?.click()}>
        {words.import}
      </button>
      <input
        ref={file}
        hidden
        type="file"
        aria-label={words.import}
        accept="application/json,.json"
        onChange={(event) => void take(event)}
      />
    </div>
  )
}
