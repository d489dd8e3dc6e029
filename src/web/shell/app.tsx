import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { Route, Router, Switch, useLocation } from 'wouter'
import { PAGE_ROOT } from '../addresses.ts'
import { RestError } from '../rest/problem.ts'
import { isReachable, session } from '../rest/session.ts'
import { TopicsPage } from '../topics/topics-page.tsx'
import { Waiting } from '../ui/notice.tsx'
import { useStore } from '../ui/store.ts'
import { useKeys } from '../ui/use-keys.ts'
import { useWords } from '../words/words.ts'
import css from './app.module.css'
import { BrokenPart } from './broken-part.tsx'
import { ConnectionBar } from './connection-bar.tsx'
import { KeysHelp } from './keys-help.tsx'
import { NotFound } from './not-found.tsx'
import { SignInBar, SignInPage } from './sign-in.tsx'
import { Toasts } from './toasts.tsx'
import { TopBar } from './top-bar.tsx'

const TopicPage = lazy(() => import('../topic/topic-page.tsx'))
const KeysPage = lazy(() => import('../keys/keys-page.tsx'))

/** Answers that another try does not change. */
const FINAL = new Set(['invalid_input', 'unauthenticated', 'forbidden', 'not_found', 'conflict', 'too_large'])

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => count < 2 && !(error instanceof RestError && FINAL.has(error.code)),
      // The browser's own guess about the network says nothing about a server on this machine.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})
// After signing in again, and with the server back, the page shows what is there now.
let wasSignedOut = false
session.subscribe(() => {
  const isSignedOut = session.get() === null
  if (wasSignedOut && !isSignedOut) void client.invalidateQueries()
  wasSignedOut = isSignedOut
})
isReachable.subscribe(() => void (isReachable.get() && client.invalidateQueries()))

export function App() {
  return (
    <QueryClientProvider client={client}>
      <Router base={PAGE_ROOT.replace(/\/$/, '')}>
        <Shell />
      </Router>
    </QueryClientProvider>
  )
}

function Shell() {
  const words = useWords()
  const who = useStore(session)
  const [wasSignedIn, setWasSignedIn] = useState(false)
  const [showsKeys, setShowsKeys] = useState(false)
  useKeys({ '?': () => setShowsKeys(true) })
  if (who && !wasSignedIn) setWasSignedIn(true)
  const isStranger = who === null && !wasSignedIn
  return (
    <div className={css.page}>
      <a className={css.skip} href="#main">
        {words.skipToContent}
      </a>
      <TopBar hasPages={!isStranger} onShowKeys={() => setShowsKeys(true)} />
      <ConnectionBar />
      {/* What is being typed stays where it is when a session ends. */}
      {who === null && wasSignedIn && <SignInBar />}
      <main id="main" className={css.main} tabIndex={-1}>
        {/* What a view needs is asked for at the same time as who is signed in. */}
        {isStranger ? <SignInPage /> : <Pages />}
      </main>
      <Toasts />
      {showsKeys && <KeysHelp onClose={() => setShowsKeys(false)} />}
    </div>
  )
}

function Pages() {
  const [place] = useLocation()
  return (
    <BrokenPart place={place}>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/" component={TopicsPage} />
          <Route path="/topics/:topic_id" nest>
            {({ topic_id }) => <TopicPage key={topic_id} topic_id={topic_id} />}
          </Route>
          <Route path="/keys" component={KeysPage} />
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </BrokenPart>
  )
}
