import type { Parameter, Topic } from '../../rest/topics.ts'
import { Field } from '../../ui/field.tsx'
import css from '../../ui/form.module.css'
import { useWords } from '../../words/words.ts'
import { CasesBar } from './cases-bar.tsx'
import type { Sampling } from './use-sampling.ts'

interface SamplesFormProps {
  topic: Topic
  sampling: Sampling
  /** What is wrong with a value, by parameter. */
  faults: Readonly<Record<string, string>>
}

/** One input for each parameter, of its type, for the values of one case. */
export function SamplesForm({ topic, sampling, faults }: SamplesFormProps) {
  const words = useWords()
  const { allowed_parameters: parameters } = topic
  const { samples, change } = sampling
  if (parameters.length === 0) return <p className={css.hint}>{words.samples.none}</p>
  return (
    <>
      <CasesBar topic={topic} sampling={sampling} />
      <div className={css.columns}>
        {parameters.map((parameter) => {
          const { name, type, required, description } = parameter
          return (
            <Field
              key={name}
              label={required ? `${name} *` : name}
              hint={[type, description].filter(Boolean).join(' · ')}
              fault={faults[name]}
            >
              {inputFor(parameter, samples[name] ?? '', words.samples.empty, (text) => change(name, text))}
            </Field>
          )
        })}
      </div>
    </>
  )
}

function inputFor(
  { type, validation }: Parameter,
  value: string,
  empty: string,
  change: (text: string) => void,
) {
  const choices =
    validation?.type === 'enum' ? (validation.enum_values ?? []) : type === 'boolean' ? [true, false] : []
  if (choices.length > 0) {
    const texts = choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)))
    return (
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">{empty}</option>
        {texts.map((text) => (
          <option key={text}>{text}</option>
        ))}
      </select>
    )
  }
  if (type === 'number') {
    return (
      <input
        type="number"
        step="any"
        value={value}
        min={validation?.min}
        max={validation?.max}
        onInput={(event) => change(event.currentTarget.value)}
      />
    )
  }
  return (
    <textarea
      rows={type === 'string' ? 1 : 2}
      spellCheck={false}
      className={type === 'string' ? undefined : css.code}
      value={value}
      onInput={(event) => change(event.currentTarget.value)}
    />
  )
}
