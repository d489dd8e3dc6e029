import { Link } from 'wouter'
import type { Topic } from '../../rest/topics.ts'
import { useWords } from '../../words/words.ts'
import { SamplesForm } from '../samples/samples-form.tsx'
import type { Sampling } from '../samples/use-sampling.ts'
import css from './side-panel.module.css'
import type { CheckedText } from './use-checked-text.ts'

interface SidePanelProps {
  topic: Topic
  checked: CheckedText
  sampling: Sampling
  onInsert(name: string): void
  onDeclare(name: string): void
}

/** Beside the text: its variables, values to try it with, and how it looks with them. */
export function SidePanel(props: SidePanelProps) {
  const { topic, checked, sampling } = props
  const words = useWords()
  return (
    <aside className={css.panel} aria-label={words.preview.title}>
      <Variables {...props} />
      <section className={css.part}>
        <h2>{words.samples.title}</h2>
        <SamplesForm topic={topic} sampling={sampling} faults={checked.sampleFaults} />
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
          const use = useOf(name, checked)
          return (
            <li key={name}>
              <button
                type="button"
                data-state={use}
                title={words.variables.insert(name)}
                onClick={() => onInsert(name)}
              >
                {name}
                {use !== 'used' && ` · ${words.variables[use]}`}
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

/** Where a declared parameter is used: in this text, in another of the topic only, or in none. */
function useOf(name: string, { used, unused }: CheckedText): 'used' | 'elsewhere' | 'unused' {
  return used.has(name) ? 'used' : unused.has(name) ? 'unused' : 'elsewhere'
}
