import type { Topic } from '../../rest/topics.ts'
import { Field } from '../../ui/field.tsx'
import forms from '../../ui/form.module.css'
import { useTitle } from '../../ui/use-title.ts'
import { useWords } from '../../words/words.ts'
import { RecordBar } from '../record-bar.tsx'
import { useRecordEdit } from '../use-record-edit.ts'
import { DETAILS, type Details } from './details.ts'
import css from './details-page.module.css'
import { Snippets } from './snippets.tsx'

/** What is written about a topic, its model settings, and how programs fetch it. */
export default function DetailsPage({ topic }: { topic: Topic }) {
  const words = useWords().details
  const edit = useRecordEdit(topic, DETAILS)
  useTitle(`${words.title} · ${topic.topic_name}`)
  const { fields } = edit
  const faultOf = (path: string) => edit.faults.find((fault) => fault.path === path)?.message
  const text = (name: keyof Details & string, props: Record<string, unknown> = {}) => ({
    value: fields[name] as string,
    onInput: (event: { currentTarget: { value: string } }) =>
      edit.change({ [name]: event.currentTarget.value }),
    ...props,
  })
  return (
    <div className={css.page}>
      <section className={css.part}>
        <RecordBar title={words.title} topic={topic} edit={edit} />
        <fieldset className={css.fields} disabled={topic.deleted_at !== undefined}>
          <div className={css.main}>
            <Field label={words.name} fault={faultOf('topic_name')}>
              <input {...text('topic_name', { required: true, maxLength: 200 })} />
            </Field>
            <Field label={words.description} fault={faultOf('description')}>
              <textarea {...text('description', { rows: 4, maxLength: 2000 })} />
            </Field>
            <label className={css.check}>
              <input
                type="checkbox"
                checked={fields.is_active}
                onChange={(event) => edit.change({ is_active: event.currentTarget.checked })}
              />
              {words.active}
            </label>
          </div>
          <div className={forms.columns}>
            <Field label={words.category} fault={faultOf('category')}>
              <input {...text('category', { required: true, className: forms.code })} />
            </Field>
            <Field label={words.order} fault={faultOf('display_order')}>
              <input {...text('display_order', { type: 'number', step: 1 })} />
            </Field>
            <Field label={words.externalId} fault={faultOf('external_id')}>
              <input {...text('external_id', { maxLength: 200, className: forms.code })} />
            </Field>
          </div>
          <h3>{words.model}</h3>
          <div className={forms.columns}>
            <Field
              label={words.defaultModel}
              hint={words.defaultModelHint}
              fault={faultOf('config.default_model')}
            >
              <input {...text('default_model', { spellCheck: false, className: forms.code })} />
            </Field>
            <Field label={words.temperature} fault={faultOf('config.temperature')}>
              <input {...text('temperature', { type: 'number', min: 0, max: 2, step: 0.1 })} />
            </Field>
            <Field label={words.maxTokens} fault={faultOf('config.max_tokens')}>
              <input {...text('max_tokens', { type: 'number', min: 1 })} />
            </Field>
            <Field label={words.maxTurns} fault={faultOf('config.max_turns')}>
              <input {...text('max_turns', { type: 'number', min: 1 })} />
            </Field>
          </div>
          <label className={css.check}>
            <input
              type="checkbox"
              checked={fields.supports_streaming}
              onChange={(event) => edit.change({ supports_streaming: event.currentTarget.checked })}
            />
            {words.streaming}
          </label>
        </fieldset>
      </section>
      <Snippets topic={topic} />
    </div>
  )
}
