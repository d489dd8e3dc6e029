import type { Fault } from '../../rest/problem.ts'
import type { Parameter } from '../../rest/topics.ts'
import { Field } from '../../ui/field.tsx'
import forms from '../../ui/form.module.css'
import { useWords } from '../../words/words.ts'
import css from './parameters-page.module.css'
import { type Row, RULES_OF, type Rule, TYPES } from './row.ts'

interface ParameterRowProps {
  row: Row
  isReadOnly: boolean
  /** Whether no prompt of the topic uses it. */
  isUnused: boolean
  /** What the server refused it for. */
  faults: readonly Fault[]
  onChange(changes: Partial<Row>): void
  onRemove(): void
  onMoveUp?(): void
  onMoveDown?(): void
}

/** One parameter, all of it in sight. */
export function ParameterRow(props: ParameterRowProps) {
  const { row, isReadOnly, isUnused, faults, onChange, onRemove, onMoveUp, onMoveDown } = props
  const words = useWords().parameters
  const faultOf = (member: string) => faults.find(({ path }) => path.split('.')[2] === member)?.message
  return (
    <li>
      <fieldset className={css.row} disabled={isReadOnly} aria-label={words.parameter(row.name)}>
        <Field label={words.name} hint={isUnused ? words.unused : undefined} fault={faultOf('name')}>
          <input
            required
            maxLength={64}
            spellCheck={false}
            className={forms.code}
            value={row.name}
            onInput={(event) => onChange({ name: event.currentTarget.value })}
          />
        </Field>
        <Field label={words.type} fault={faultOf('type')}>
          <select
            value={row.type}
            onChange={(event) =>
              onChange({ type: event.currentTarget.value as Parameter['type'], rule: 'none' })
            }
          >
            {TYPES.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
        </Field>
        <label className={css.check}>
          <input
            type="checkbox"
            checked={row.required}
            onChange={(event) => onChange({ required: event.currentTarget.checked })}
          />
          {words.required}
        </label>
        <Field label={words.rule} fault={faultOf('validation')}>
          <select
            value={row.rule}
            disabled={RULES_OF[row.type].length === 1}
            onChange={(event) => onChange({ rule: event.currentTarget.value as Rule })}
          >
            {RULES_OF[row.type].map((rule) => (
              <option key={rule} value={rule}>
                {words.rules[rule]}
              </option>
            ))}
          </select>
        </Field>
        <Field label={words.default} fault={faultOf('default')}>
          <input
            className={forms.code}
            value={row.default}
            onInput={(event) => onChange({ default: event.currentTarget.value })}
          />
        </Field>
        <Field label={words.description} fault={faultOf('description')}>
          <textarea
            rows={1}
            maxLength={2000}
            value={row.description}
            onInput={(event) => onChange({ description: event.currentTarget.value })}
          />
        </Field>
        <div className={css.actions}>
          <button
            type="button"
            data-kind="quiet"
            disabled={!onMoveUp}
            aria-label={words.up(row.name)}
            onClick={onMoveUp}
          >
            ↑
          </button>
          <button
            type="button"
            data-kind="quiet"
            disabled={!onMoveDown}
            aria-label={words.down(row.name)}
            onClick={onMoveDown}
          >
            ↓
          </button>
          <button type="button" data-kind="quiet" aria-label={words.remove(row.name)} onClick={onRemove}>
            ✕
          </button>
        </div>
        {row.rule !== 'none' && (
          <div className={css.rule}>
            <RuleFields row={row} onChange={onChange} />
          </div>
        )}
      </fieldset>
    </li>
  )
}

function RuleFields({ row, onChange }: Pick<ParameterRowProps, 'row' | 'onChange'>) {
  const words = useWords().parameters
  switch (row.rule) {
    case 'none':
      return null
    case 'enum':
      return (
        <Field label={words.values}>
          <textarea
            rows={3}
            className={forms.code}
            value={row.values}
            onInput={(event) => onChange({ values: event.currentTarget.value })}
          />
        </Field>
      )
    case 'pattern':
      return (
        <Field label={words.pattern}>
          <input
            className={forms.code}
            value={row.pattern}
            onInput={(event) => onChange({ pattern: event.currentTarget.value })}
          />
        </Field>
      )
    default:
      return (
        <div className={css.limits}>
          <Field label={words.min}>
            <input
              type="number"
              step="any"
              value={row.min}
              onInput={(event) => onChange({ min: event.currentTarget.value })}
            />
          </Field>
          <Field label={words.max}>
            <input
              type="number"
              step="any"
              value={row.max}
              onInput={(event) => onChange({ max: event.currentTarget.value })}
            />
          </Field>
        </div>
      )
  }
}
