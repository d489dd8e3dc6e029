import { Link, useRoute } from 'wouter'
import { session, signOut } from '../rest/session.ts'
import { useStore } from '../ui/store.ts'
import { THEMES, type Theme, theme } from '../ui/theme.ts'
import { showToast } from '../ui/toasts.ts'
import { faultWords } from '../words/faults.ts'
import { chooseLanguage, LANGUAGES, type Language, useLanguage, useWords } from '../words/words.ts'
import css from './top-bar.module.css'

interface TopBarProps {
  /** What the navigation leads to is there. */
  hasPages: boolean
  onShowKeys(): void
}

export function TopBar({ hasPages, onShowKeys }: TopBarProps) {
  const words = useWords()
  const [isHome] = useRoute('/')
  const [isKeys] = useRoute('/keys')
  return (
    <header className={css.bar}>
      <Link className={css.name} href="/" aria-label="Prompts">
        <Mark />
        <span>Prompts</span>
      </Link>
      {hasPages && (
        <nav className={css.nav} aria-label={words.navigation}>
          <Link href="/" aria-current={isHome ? 'page' : undefined}>
            {words.topics.title}
          </Link>
          <Link href="/keys" aria-current={isKeys ? 'page' : undefined}>
            {words.apiKeys.title}
          </Link>
        </nav>
      )}
      <button
        type="button"
        data-kind="quiet"
        onClick={onShowKeys}
        aria-label={words.keys.title}
        title={words.keys.title}
      >
        ?
      </button>
      <button type="button" data-kind="quiet" popoverTarget="settings" aria-label={words.settings.title}>
        <Gear />
      </button>
      <Settings />
    </header>
  )
}

function Settings() {
  const words = useWords()
  const chosen = useStore(theme)
  const language = useLanguage()
  const who = useStore(session)
  const leave = () =>
    signOut().catch((error) => showToast({ text: faultWords(error, words), tone: 'failed' }))
  return (
    <div id="settings" popover="auto" className={css.menu}>
      {who && (
        <p className={css.who}>
          <span>{words.settings.signedInAs}</span>
          {who.subject}
        </p>
      )}
      <label>
        {words.settings.theme}
        <select value={chosen} onChange={(event) => theme.set(event.currentTarget.value as Theme)}>
          {THEMES.map((one) => (
            <option key={one} value={one}>
              {words.settings.themes[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        {words.settings.language}
        <select
          value={language}
          onChange={(event) => void chooseLanguage(event.currentTarget.value as Language)}
        >
          {Object.entries(LANGUAGES).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {who && (
        <button type="button" onClick={leave}>
          {words.settings.signOut}
        </button>
      )}
    </div>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="2">
      <path d="M9 4C5 4 7 9 6 10.5S3.5 12 3.5 12 5 12 6 13.5 5 20 9 20M15 4c4 0 2 5 3 6.5s2.5 1.5 2.5 1.5-1.5 0-2.5 1.5 1 6.5-3 6.5" />
    </svg>
  )
}

function Gear() {
  return (
    <svg
      width="18"
      height="18"
      viewBox="0 0 24 24"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
    >
      <path d="M4 7h10M18 7h2M4 17h2M10 17h10" />
      <circle cx="16" cy="7" r="2.2" />
      <circle cx="8" cy="17" r="2.2" />
    </svg>
  )
}
