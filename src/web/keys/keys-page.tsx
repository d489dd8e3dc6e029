import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type DataOf, rest } from '../rest/rest.ts'
import { Ago } from '../ui/ago.tsx'
import { Badge } from '../ui/badge.tsx'
import { Failure, Waiting } from '../ui/notice.tsx'
import { showToast } from '../ui/toasts.ts'
import { useTitle } from '../ui/use-title.ts'
import { faultWords } from '../words/faults.ts'
import { useWords } from '../words/words.ts'
import { CreateKeyDialog } from './create-key-dialog.tsx'
import css from './keys-page.module.css'

type ApiKey = DataOf<'keys.list'>[number]

const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: async ({ signal }) => (await rest('GET /admin/keys', { signal })).data,
})

/** The API keys of programs. */
export default function KeysPage() {
  const words = useWords()
  const client = useQueryClient()
  const [isCreating, setIsCreating] = useState(false)
  const keys = useQuery(keysQuery)
  const refresh = () => client.invalidateQueries({ queryKey: keysQuery.queryKey })
  useTitle(words.apiKeys.title)
  return (
    <section className={css.page}>
      <header className={css.head}>
        <h1>{words.apiKeys.title}</h1>
        <button type="button" data-kind="primary" onClick={() => setIsCreating(true)}>
          {words.apiKeys.create}
        </button>
      </header>
      <p className={css.hint}>{words.apiKeys.hint}</p>
      {keys.error && <Failure error={keys.error} retry={() => void keys.refetch()} />}
      {keys.isPending && !keys.error && <Waiting />}
      {keys.data?.length === 0 && <p className={css.hint}>{words.apiKeys.none}</p>}
      {keys.data && keys.data.length > 0 && (
        <ul className={css.list}>
          {keys.data.map((key) => (
            <KeyRow key={key.id} apiKey={key} onRevoked={refresh} />
          ))}
        </ul>
      )}
      {isCreating && <CreateKeyDialog onCreated={refresh} onClose={() => setIsCreating(false)} />}
    </section>
  )
}

/** A revoked key is gone for good, so this is the one place that asks. */
function KeyRow({ apiKey, onRevoked }: { apiKey: ApiKey; onRevoked(): void }) {
  const words = useWords()
  const [isAsking, setIsAsking] = useState(false)
  const { id, name, prefix, created_at, expires_at, revoked_at } = apiKey
  const revoke = async () => {
    try {
      await rest('DELETE /admin/keys/{id}', { path: { id } })
      showToast({ text: words.apiKeys.revoked(name), tone: 'done' })
    } catch (error) {
      showToast({ text: faultWords(error, words), tone: 'failed' })
    }
    onRevoked()
  }
  return (
    <li className={css.key}>
      <div className={css.name}>
        <b>{name}</b>
        {isAsking && <p className={css.warning}>{words.apiKeys.revokeWarning}</p>}
        <span>
          <code>{prefix}…</code>
          <Event words={words.apiKeys.created} time={created_at} />
          <Event words={words.apiKeys.expires} time={expires_at} />
        </span>
      </div>
      {revoked_at !== undefined ? (
        <Badge tone="bad">{words.apiKeys.isRevoked}</Badge>
      ) : isAsking ? (
        <div className={css.actions}>
          <button type="button" data-kind="danger" onClick={revoke}>
            {words.apiKeys.reallyRevoke}
          </button>
          <button type="button" onClick={() => setIsAsking(false)}>
            {words.cancel}
          </button>
        </div>
      ) : (
        <button
          type="button"
          data-kind="danger"
          aria-label={words.apiKeys.revokeNamed(name)}
          onClick={() => setIsAsking(true)}
        >
          {words.apiKeys.revoke}
        </button>
      )}
    </li>
  )
}

function Event({ words, time }: { words: string; time: string | undefined }) {
  if (time === undefined) return null
  return (
    <>
      {' · '}
      {words} <Ago time={time} />
    </>
  )
}
