import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { hasCode } from '../rest/problem.ts'
import type { Topic } from '../rest/topics.ts'
import { NotFound } from '../shell/not-found.tsx'
import { Failure, Notice, Waiting } from '../ui/notice.tsx'
import { useWords } from '../words/words.ts'
import { HistoryPage } from './history/history-page.tsx'
import { NoPrompts } from './no-prompts.tsx'
import { PromptPage } from './prompt/prompt-page.tsx'
import { TopicHeader } from './topic-header.tsx'
import css from './topic-page.module.css'
import { TopicTabs } from './topic-tabs.tsx'
import { useLiveTopic } from './use-live-topic.ts'

const ParametersPage = lazy(() => import('./parameters/parameters-page.tsx'))
const RunPage = lazy(() => import('./run/run-page.tsx'))
const DetailsPage = lazy(() => import('./details/details-page.tsx'))

/** One topic: its prompts and all that belongs to them. */
export default function TopicPage({ topic_id }: { topic_id: string }) {
  const words = useWords()
  const { data: topic, error, refetch } = useLiveTopic(topic_id)
  if (!topic) {
    if (hasCode(error, 'not_found') || hasCode(error, 'invalid_input')) return <NotFound />
    return error ? <Failure error={error} retry={() => void refetch()} /> : <Waiting />
  }
  return (
    <div className={css.page}>
      <TopicHeader topic={topic} />
      {topic.deleted_at !== undefined && (
        <div className={css.deleted}>
          <Notice tone="warn">{words.topic.isDeleted}</Notice>
        </div>
      )}
      <TopicTabs topic={topic} />
      <div className={css.content}>
        <Suspense fallback={<Waiting />}>
          <Places topic={topic} />
        </Suspense>
      </div>
    </div>
  )
}

function Places({ topic }: { topic: Topic }) {
  const [first] = topic.available_prompts
  return (
    <Switch>
      <Route path="/">
        {first === undefined ? <NoPrompts /> : <Redirect to={`/prompts/${first}`} replace />}
      </Route>
      <Route path="/prompts/:prompt_type" nest>
        {({ prompt_type }) => (
          <Switch>
            <Route path="/history">
              <HistoryPage key={prompt_type} topic={topic} prompt_type={prompt_type} />
            </Route>
            <Route path="/">
              <PromptPage key={prompt_type} topic={topic} prompt_type={prompt_type} />
            </Route>
            <Route component={NotFound} />
          </Switch>
        )}
      </Route>
      <Route path="/parameters">
        <ParametersPage topic={topic} />
      </Route>
      <Route path="/run">
        <RunPage topic={topic} />
      </Route>
      <Route path="/details">
        <DetailsPage topic={topic} />
      </Route>
      <Route component={NotFound} />
    </Switch>
  )
}
