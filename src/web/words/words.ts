import { createStore, useStore } from '../ui/store.ts'
import { en, type Words } from './en.ts'

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGES

const SETTING = 'language'
/** English comes with the page, which spares most users a request before anything is shown. */
const LOADERS: Record<Language, () => Promise<Words>> = {
  en: async () => en,
  de: async () => (await import('./de.ts')).de,
}

const current = createStore<{ language: Language; words: Words } | undefined>(undefined)

/** The language that was chosen here, else the first of the browser's that there is. */
function preferred(): Language {
  const wanted = [localStorage.getItem(SETTING) ?? '', ...navigator.languages]
  const found = wanted.map((tag) => tag.slice(0, 2)).find((tag) => Object.hasOwn(LANGUAGES, tag))
  return (found as Language | undefined) ?? 'en'
}

/** Loads the words of a language, the preferred one by default; nothing can be shown before. */
export async function loadWords(language: Language = preferred()): Promise<void> {
  const words = await LOADERS[language]()
  document.documentElement.lang = language
  current.set({ language, words })
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(SETTING, language)
  await loadWords(language)
}

function loaded(): { language: Language; words: Words } {
  const state = current.get()
  if (!state) throw new Error('The words are not loaded yet.')
  return state
}

/** All texts of the page, in the language of the person. */
export function useWords(): Words {
  useStore(current)
  return loaded().words
}

export function useLanguage(): Language {
  useStore(current)
  return loaded().language
}

/** For what is said outside of components. */
export function currentWords(): Words {
  return loaded().words
}
