import { createStore } from './store.ts'

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const SETTING = 'theme'

function stored(): Theme {
  const value = localStorage.getItem(SETTING)
  return THEMES.find((theme) => theme === value) ?? 'auto'
}

/** The colours that were chosen; `auto` follows the system. */
export const theme = createStore<Theme>(stored())

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme.get()
}

theme.subscribe(() => {
  localStorage.setItem(SETTING, theme.get())
  applyTheme()
})
