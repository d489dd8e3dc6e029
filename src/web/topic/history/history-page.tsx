import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { historyQuery, type Version, versionQuery } from '../../rest/prompts.ts'
import { rest } from '../../rest/rest.ts'
import { refreshTopic, type Topic } from '../../rest/topics.ts'
import { Failure, Waiting } from '../../ui/notice.tsx'
import { showToast } from '../../ui/toasts.ts'
import { useTitle } from '../../ui/use-title.ts'
import { faultWords } from '../../words/faults.ts'
import { useWords } from '../../words/words.ts'
import css from './history-page.module.css'
import { VersionList } from './version-list.tsx'

const Difference = lazy(() => import('../../editor/difference.tsx'))

interface HistoryPageProps {
  topic: Topic
  prompt_type: string
}

/** Every text that a prompt has had. The two that are compared stand in the address. */
export function HistoryPage({ topic, prompt_type }: HistoryPageProps) {
  const words = useWords()
  const { topic_id, revision } = topic
  const history = useInfiniteQuery(historyQuery(topic_id, prompt_type, revision))
  const versions = history.data?.pages.flatMap((page) => page.versions) ?? []
  const [chosen, setChosen] = useSearchParams()
  const after = find(versions, chosen.get('to')) ?? versions[0]
  const before =
    find(versions, chosen.get('from')) ?? versions[versions.indexOf(after as Version) + 1] ?? after
  useTitle(`${words.history.title} · ${topic.topic_name} · ${prompt_type}`)
  if (history.error) return <Failure error={history.error} retry={() => void history.refetch()} />
  if (!after || !before) return <Waiting />
  const choose = (name: 'from' | 'to', { version_id }: Version) =>
    setChosen({ from: before.version_id, to: after.version_id, [name]: version_id }, { replace: true })
  return (
    <div className={css.page}>
      <aside className={css.list}>
        <div className={css.head}>
          <h2>{words.history.title}</h2>
          <Link href="/">{words.history.back}</Link>
        </div>
        <VersionList {...{ versions, before, after }} onChoose={choose} />
        {history.hasNextPage && (
          <button type="button" disabled={history.isFetching} onClick={() => void history.fetchNextPage()}>
            {words.history.older}
          </button>
        )}
      </aside>
      <Comparison {...{ topic, prompt_type, before, after }} />
    </div>
  )
}

function find(versions: readonly Version[], id: string | null): Version | undefined {
  return versions.find(({ version_id }) => version_id === id)
}

function Comparison({
  topic,
  prompt_type,
  before,
  after,
}: HistoryPageProps & { before: Version; after: Version }) {
  const words = useWords()
  const client = useQueryClient()
  const [isBusy, setIsBusy] = useState(false)
  const { topic_id } = topic
  const older = useQuery(versionQuery(topic_id, prompt_type, before.version_id))
  const newer = useQuery(versionQuery(topic_id, prompt_type, after.version_id))
  const error = older.error ?? newer.error
  const restore = async () => {
    setIsBusy(true)
    try {
      const { data } = await rest('POST /admin/prompts/{topic_id}/{prompt_type}/restore', {
        path: { topic_id, prompt_type },
        body: { version_id: after.version_id },
      })
      showToast({ text: words.history.restored(after.revision, data.revision), tone: 'done' })
    } catch (thrown) {
      showToast({ text: faultWords(thrown, words), tone: 'failed' })
    } finally {
      setIsBusy(false)
    }
    await refreshTopic(client, topic_id)
  }
  return (
    <section className={css.comparison} aria-label={words.difference}>
      <div className={css.head}>
        <h2>{words.history.compared(before.revision, after.revision)}</h2>
        {!after.current && topic.deleted_at === undefined && (
          <button type="button" disabled={isBusy} onClick={restore}>
            {words.history.restore(after.revision)}
          </button>
        )}
      </div>
      {error && <Failure error={error} />}
      {older.data && newer.data && (
        <Suspense fallback={<Waiting />}>
          <Difference
            before={{ name: words.revision(before.revision), text: older.data.content }}
            after={{ name: words.revision(after.revision), text: newer.data.content }}
          />
        </Suspense>
      )}
    </section>
  )
}
