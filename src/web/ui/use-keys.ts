import { useEffect, useRef } from 'react'
import { createStore } from './store.ts'

/** Keys by what KeyboardEvent calls them, `Mod+` before those with Ctrl (on a Mac, ⌘). */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>

const SETTING = 'single-keys'
/** Single letters can be switched off: people who dictate say them by accident (WCAG 2.1.4). */
export const hasSingleKeys = createStore(localStorage.getItem(SETTING) !== 'off')
hasSingleKeys.subscribe(() => localStorage.setItem(SETTING, hasSingleKeys.get() ? 'on' : 'off'))

export const IS_MAC = navigator.platform.startsWith('Mac')

/** Listens for keys on the whole page, for as long as the component is there. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys)
  current.current = keys
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isMod = IS_MAC ? event.metaKey : event.ctrlKey
      if (
        !isMod &&
        (!hasSingleKeys.get() || isTyping(event) || event.altKey || event.metaKey || event.ctrlKey)
      )
        return
      // A dialog has the page to itself.
      if (document.querySelector('dialog[open]')) return
      const run = current.current[isMod ? `Mod+${event.key.toLowerCase()}` : event.key]
      if (!run || event.defaultPrevented) return
      event.preventDefault()
      run(event)
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
}

function isTyping({ target }: KeyboardEvent): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}
