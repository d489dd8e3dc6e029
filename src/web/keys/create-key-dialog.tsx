import { type FormEvent, useState } from 'react'
import { RestError } from '../rest/problem.ts'
import { rest } from '../rest/rest.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import forms from '../ui/form.module.css'
import { Failure } from '../ui/notice.tsx'
import { useWords } from '../words/words.ts'
import css from './keys-page.module.css'

/** Makes a key and shows it, once: it is kept nowhere in this page. */
export function CreateKeyDialog({ onCreated, onClose }: { onCreated(): void; onClose(): void }) {
  const words = useWords()
  const [name, setName] = useState('')
  const [ttl, setTtl] = useState('')
  const [created, setCreated] = useState<string>()
  const [error, setError] = useState<unknown>()
  const faultOf = (path: string) =>
    error instanceof RestError ? error.faults.find((fault) => fault.path === path)?.message : undefined
  const create = async (event: FormEvent) => {
    event.preventDefault()
    setError(undefined)
    try {
      const body = { name, ...(ttl.trim() !== '' && { ttl: ttl.trim() }) }
      const { data } = await rest('POST /admin/keys', { body })
      setCreated(data.key)
      onCreated()
    } catch (thrown) {
      setError(thrown)
    }
  }
  return (
    <Dialog title={words.apiKeys.create} onClose={onClose}>
      {created === undefined ? (
        <form className={forms.form} onSubmit={create}>
          <Field label={words.apiKeys.name} hint={words.apiKeys.nameHint} fault={faultOf('name')}>
            <input
              required
              maxLength={64}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </Field>
          <Field label={words.apiKeys.ttl} hint={words.apiKeys.ttlHint} fault={faultOf('ttl')}>
            <input value={ttl} onInput={(event) => setTtl(event.currentTarget.value)} />
          </Field>
          {error !== undefined && <Failure error={error} />}
          <div className={forms.actions}>
            <button type="button" onClick={onClose}>
              {words.cancel}
            </button>
            <button type="submit" data-kind="primary">
              {words.apiKeys.submit}
            </button>
          </div>
        </form>
      ) : (
        <div className={forms.form}>
          <p>{words.apiKeys.once}</p>
          <p className={css.secret}>
            <code>{created}</code>
            <CopyButton text={created} name={words.apiKeys.key} />
          </p>
          <div className={forms.actions}>
            <button type="button" data-kind="primary" onClick={onClose}>
              {words.apiKeys.done}
            </button>
          </div>
        </div>
      )}
    </Dialog>
  )
}
