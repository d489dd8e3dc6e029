import { useEffect } from 'react'
import { PAGE_ROOT } from '../addresses.ts'
import { askSession } from '../rest/session.ts'
import { Notice } from '../ui/notice.tsx'
import { showToast } from '../ui/toasts.ts'
import { faultWords } from '../words/faults.ts'
import { currentWords, useWords } from '../words/words.ts'
import css from './bars.module.css'

const COMMAND = 'purposepath-prompts login'
/** The server says in the page how users sign in: by `link`, or also at an `issuer`. */
const HAS_ISSUER = document.querySelector<HTMLMetaElement>('meta[name=sign-in]')?.content === 'issuer'
/** The way to the issuer. */
const SIGN_IN = `${PAGE_ROOT}sign-in`

const look = () =>
  askSession().catch((error) => showToast({ text: faultWords(error, currentWords()), tone: 'failed' }))

/** Looks again when the person comes back from the tab in which they signed in. */
function useReturn(): void {
  useEffect(() => {
    const listen = () => void (document.visibilityState === 'visible' && look())
    document.addEventListener('visibilitychange', listen)
    return () => document.removeEventListener('visibilitychange', listen)
  }, [])
}

/** What a user sees who has not signed in. */
export function SignInPage() {
  const words = useWords()
  useReturn()
  return (
    <section className={css.page}>
      <h1>{words.signIn.title}</h1>
      <p>{words.signIn.how}</p>
      <pre>{COMMAND}</pre>
      <p>{words.signIn.once}</p>
      <div>
        <button type="button" data-kind="primary" onClick={look}>
          {words.signIn.again}
        </button>
      </div>
      {HAS_ISSUER && (
        <p>
          {words.signIn.issuer} <a href={SIGN_IN}>{words.signIn.withAccount}</a>
        </p>
      )}
    </section>
  )
}

/** Above a page whose session has ended: the page stays, with all that is typed in it. */
export function SignInBar() {
  const words = useWords()
  useReturn()
  const again = (
    <button type="button" onClick={look}>
      {words.signIn.again}
    </button>
  )
  return (
    <div className={css.bar}>
      <Notice tone="warn" actions={again}>
        {words.signIn.ended} <code>{COMMAND}</code>
        {HAS_ISSUER && (
          <>
            {' · '}
            <a href={SIGN_IN} target="_blank" rel="noreferrer">
              {words.signIn.withAccount}
            </a>
          </>
        )}
      </Notice>
    </div>
  )
}
