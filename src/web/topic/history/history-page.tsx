import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { Link, useSearchParams } from 'wouter'
import { historyQuery, type Version, versionQuery } from '../../rest/prompts.ts'
import type { Topic } from '../../rest/topics.ts'
import { Failure, Notice, Waiting } from '../../ui/notice.tsx'
import { useTitle } from '../../ui/use-title.ts'
import { useWords } from '../../words/words.ts'
import css from './history-page.module.css'
import { useRestoring } from './use-restoring.ts'
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
      <Comparison {...{ topic, prompt_type, before, after }} live={versions.find(({ current }) => current)} />
    </div>
  )
}

function find(versions: readonly Version[], id: string | null): Version | undefined {
  return versions.find(({ version_id }) => version_id === id)
}

interface ComparisonProps extends HistoryPageProps {
  before: Version
  after: Version
  /** `undefined` for a prompt that is deleted. */
  live: Version | undefined
}

function Comparison({ topic, prompt_type, before, after, live }: ComparisonProps) {
  const words = useWords()
  const { topic_id } = topic
  const { isBusy, conflict, restore } = useRestoring(topic_id, prompt_type)
  const older = useQuery(versionQuery(topic_id, prompt_type, before.version_id))
  const newer = useQuery(versionQuery(topic_id, prompt_type, after.version_id))
  const error = older.error ?? newer.error
  return (
    <section className={css.comparison} aria-label={words.difference}>
      <div className={css.head}>
        <h2>{words.history.compared(before.revision, after.revision)}</h2>
        {!after.current && topic.deleted_at === undefined && newer.data && (
          <button
            type="button"
            disabled={isBusy}
            onClick={() => void restore(after, newer.data.content, live?.revision)}
          >
            {words.history.restore(after.revision)}
          </button>
        )}
      </div>
      {error && <Failure error={error} />}
      {conflict && (
        <Notice tone="warn">{words.history.conflict(conflict.updated_by, conflict.revision)}</Notice>
      )}
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
