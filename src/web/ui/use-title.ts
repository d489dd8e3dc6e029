import { useEffect } from 'react'

/** The title of the browser's tab while the component is there. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Prompts`
  }, [title])
}
