import { useWords } from '../words/words.ts'
import { showToast } from './toasts.ts'

/** Copies a text; where the browser does not let it (plain http elsewhere than on this machine), it says so. */
export function CopyButton({ text, name }: { text: string; name: string }) {
  const words = useWords()
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      showToast({ text: words.copied, tone: 'done' })
    } catch {
      showToast({ text: words.notCopied, tone: 'failed' })
    }
  }
  return (
    <button type="button" data-kind="quiet" aria-label={words.copyNamed(name)} onClick={copy}>
      {words.copy}
    </button>
  )
}
