import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { useLocation } from 'wouter'
import { PAGE_ROOT } from '../addresses.ts'
import { RestError } from '../rest/problem.ts'
import { rest } from '../rest/rest.ts'
import { refreshTopic, topicsQuery } from '../rest/topics.ts'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import forms from '../ui/form.module.css'
import { Failure } from '../ui/notice.tsx'
import { useWords } from '../words/words.ts'
import { idFrom, idProblem } from './topic-id.ts'

/** What a new topic begins with. */
export interface Start {
  topic_name: string
  topic_type: string
  category: string
  description: string
  /** Taken over as they are. */
  more?: Pick<
    Parameters<typeof rest<'POST /admin/prompts'>>[1]['body'],
    'allowed_parameters' | 'config' | 'prompts'
  >
}

const KPI: Start = { topic_name: '', topic_type: 'kpi_system', category: 'kpi', description: '' }

interface CreateDialogProps {
  start?: Start
  title?: string
  onClose(): void
}

/** Creates a topic. The id follows the name until one is typed, and is checked while it is typed. */
export function CreateDialog({ start = KPI, title, onClose }: CreateDialogProps) {
  const words = useWords()
  const client = useQueryClient()
  const [, navigate] = useLocation()
  const [fields, setFields] = useState(start)
  const [typedId, setTypedId] = useState<string>()
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)
  const categories = useId()
  const topics = useQuery({ ...topicsQuery(false), staleTime: 0 }).data?.topics ?? []
  const deleted = useQuery({ ...topicsQuery(true), staleTime: 0 }).data?.topics ?? []
  const topic_id = typedId ?? idFrom(fields.topic_name)
  const problem = idProblem(topic_id, topics, deleted)
  const faultOf = (path: string) =>
    error instanceof RestError ? error.faults.find((fault) => fault.path === path)?.message : undefined
  const set = (changes: Partial<Start>) => setFields((now) => ({ ...now, ...changes }))

  const create = async (event: FormEvent) => {
    event.preventDefault()
    if (problem || isBusy) return
    setIsBusy(true)
    setError(undefined)
    const { more, description, ...names } = fields
    try {
      const body = { ...more, ...names, topic_id, ...(description !== '' && { description }) }
      await rest('POST /admin/prompts', { body })
      await refreshTopic(client, topic_id)
      onClose()
      navigate(`~${PAGE_ROOT}topics/${topic_id}`)
    } catch (thrown) {
      setError(thrown)
    } finally {
      setIsBusy(false)
    }
  }

  return (
    <Dialog title={title ?? words.create.title} onClose={onClose}>
      <form className={forms.form} onSubmit={create}>
        <Field label={words.create.name} fault={faultOf('topic_name')}>
          <input
            required
            maxLength={200}
            value={fields.topic_name}
            onInput={(event) => set({ topic_name: event.currentTarget.value })}
          />
        </Field>
        <Field
          label={words.create.id}
          hint={topic_id !== '' && !problem ? words.create.free : words.create.idHint}
          fault={topic_id !== '' && problem ? words.create.idProblems[problem] : faultOf('topic_id')}
        >
          <input
            required
            spellCheck={false}
            autoCapitalize="off"
            className={forms.code}
            value={topic_id}
            onInput={(event) => setTypedId(event.currentTarget.value)}
          />
        </Field>
        <div className={forms.columns}>
          <Field label={words.topics.type} fault={faultOf('topic_type')}>
            <input
              required
              className={forms.code}
              value={fields.topic_type}
              onInput={(event) => set({ topic_type: event.currentTarget.value })}
            />
          </Field>
          <Field label={words.topics.category} fault={faultOf('category')}>
            <input
              required
              list={categories}
              className={forms.code}
              value={fields.category}
              onInput={(event) => set({ category: event.currentTarget.value })}
            />
          </Field>
          <datalist id={categories}>
            {['kpi', 'analysis', 'coaching', 'strategy'].map((category) => (
              <option key={category} value={category} />
            ))}
          </datalist>
        </div>
        <Field label={words.create.description} fault={faultOf('description')}>
          <textarea
            rows={3}
            maxLength={2000}
            value={fields.description}
            onInput={(event) => set({ description: event.currentTarget.value })}
          />
        </Field>
        {error !== undefined && <Failure error={error} />}
        <div className={forms.actions}>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button type="submit" data-kind="primary" disabled={isBusy || problem !== undefined}>
            {words.create.submit}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
