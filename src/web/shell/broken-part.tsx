import { Component, type ReactNode } from 'react'
import { Notice } from '../ui/notice.tsx'
import { useWords } from '../words/words.ts'

/**
 * Shows what is wrong in the place of a view that fails, most likely because the server was updated meanwhile and has other
 * files now. Drafts are kept, so that loading the page again loses nothing. Another `place` is another try.
 */
export class BrokenPart extends Component<{ place: string; children: ReactNode }, { failedAt?: string }> {
  override state: { failedAt?: string } = {}

  override componentDidCatch(error: unknown): void {
    // biome-ignore lint/suspicious/noConsole: the page reports to nobody else, and the cause must be somewhere.
    console.warn(error)
    this.setState({ failedAt: this.props.place })
  }

  override render(): ReactNode {
    return this.state.failedAt === this.props.place ? <Broken /> : this.props.children
  }
}

function Broken() {
  const words = useWords().broken
  const reload = (
    <button type="button" onClick={() => location.reload()}>
      {words.reload}
    </button>
  )
  return (
    <Notice tone="bad" actions={reload}>
      {words.text}
    </Notice>
  )
}
