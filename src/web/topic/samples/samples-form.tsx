import type { Parameter } from '../../rest/topics.ts'
import { Field } from '../../ui/field.tsx'
import css from '../../ui/form.module.css'
import { useWords } from '../../words/words.ts'
import type { Samples } from './sample.ts'

interface SamplesFormProps {
  parameters: readonly Parameter[]
  samples: Samples
  /** What is wrong with a value, by parameter. */
  faults: Readonly<Record<string, string>>
  onChange(name: string, text: string): void
}

/** One input for each parameter, of its type. */
export function SamplesForm({ parameters, samples, faults, onChange }: SamplesFormProps) {
  const words = useWords()
  if (parameters.length === 0) return <p className={css.hint}>{words.samples.none}</p>
  return (
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
            {inputFor(parameter, samples[name] ?? '', words.samples.empty, (text) => onChange(name, text))}
          </Field>
        )
      })}
    </div>
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
