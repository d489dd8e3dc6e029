import './styles/base.css'
import { createRoot } from 'react-dom/client'
import { askSession } from './rest/session.ts'
import { App } from './shell/app.tsx'
import { applyTheme } from './ui/theme.ts'
import { loadWords } from './words/words.ts'

applyTheme()
// Its address is relative to the one that was asked for; the page's own address changes.
const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
icon?.setAttribute('href', icon.href)
// Who is signed in shows as soon as it is known; a server that does not answer is shown as such.
askSession().catch(() => {})
await loadWords()
createRoot(document.getElementById('page') as HTMLElement).render(<App />)
