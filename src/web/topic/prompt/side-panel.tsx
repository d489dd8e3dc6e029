import { Link } from 'wouter'
import type { Topic } from '../../rest/topics.ts'
import { downloadJson } from '../../ui/download.ts'
import { useWords } from '../../words/words.ts'
import { type Samples, valuesOf } from '../samples/sample.ts'
import { SamplesForm } from '../samples/samples-form.tsx'
import css from './side-panel.module.css'
import type { CheckedText } from './use-checked-text.ts'

interface SidePanelProps {
  topic: Topic
  checked: CheckedText
  samples: Samples
  onSample(name: string, text: string): void
  onInsert(name: string): void
  onDeclare(name: string): void
}

/** Beside the text: its variables, values to try it with, and how it looks with them. */
export function SidePanel(props: SidePanelProps) {
  const { topic, checked, samples, onSample } = props
  const words = useWords()
  const { allowed_parameters: parameters } = topic
  return (
    <aside className={css.panel} aria-label={words.preview.title}>
      <Variables {...props} />
      <section className={css.part}>
        <div className={css.head}>
          <h2>{words.samples.title}</h2>
          {parameters.length > 0 && (
            <button
              type="button"
              data-kind="quiet"
              onClick={() => downloadJson(`${topic.topic_id}.samples.json`, valuesOf(parameters, samples))}
            >
              {words.samples.download}
            </button>
          )}
        </div>
        <SamplesForm {...{ parameters, samples }} faults={checked.sampleFaults} onChange={onSample} />
      </section>
      {topic.deleted_at === undefined && <Preview {...checked} />}
    </aside>
  )
}

function Preview({ rendered = '', isCurrent }: CheckedText) {
  const words = useWords().preview
  return (
    <section className={`${css.part} ${css.preview}`}>
      <h2>{words.title}</h2>
      {rendered === '' ? (
        <p className={css.hint}>{words.none}</p>
      ) : (
        <pre className={css.rendered} data-current={isCurrent}>
          {rendered}
        </pre>
      )}
    </section>
  )
}

function Variables({ topic, checked, onInsert, onDeclare }: SidePanelProps) {
  const words = useWords()
  return (
    <section className={css.part}>
      <div className={css.head}>
        <h2>{words.variables.title}</h2>
        <Link href={`~/topics/${topic.topic_id}/parameters`}>{words.variables.edit}</Link>
      </div>
      {topic.allowed_parameters.length + checked.undeclared.size === 0 && (
        <p className={css.hint}>{words.variables.none}</p>
      )}
      <ul className={css.variables}>
        {[...checked.undeclared].map((name) => (
          <li key={name}>
            <button
              type="button"
              data-state="undeclared"
              title={words.variables.declare(name)}
              onClick={() => onDeclare(name)}
            >
              {name} · {words.variables.undeclared}
            </button>
          </li>
        ))}
        {topic.allowed_parameters.map(({ name }) => {
          const isUsed = checked.used.has(name)
          return (
            <li key={name}>
              <button
                type="button"
                data-state={isUsed ? 'used' : 'unused'}
                title={words.variables.insert(name)}
                onClick={() => onInsert(name)}
              >
                {name}
                {!isUsed && ` · ${words.variables.unused}`}
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
