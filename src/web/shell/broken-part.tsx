import { Component, type ReactNode } from 'react'
import { Notice } from '../ui/notice.tsx'
import { useWords } from '../words/words.ts'

interface BrokenPartProps {
  place: string
  children: ReactNode
}

interface Failure {
  place: string
  cause: unknown
}

/**
 * Shows what is wrong in the place of a view that fails, most likely because the server was updated meanwhile and has other
 * files now. Drafts are kept, so that loading the page again loses nothing. Another `place` is another try.
 */
export class BrokenPart extends Component<BrokenPartProps, { failure?: Failure }> {
  override state: { failure?: Failure } = {}

  override componentDidCatch(cause: unknown): void {
    this.setState({ failure: { place: this.props.place, cause } })
  }

  override render(): ReactNode {
    const { failure } = this.state
    return failure?.place === this.props.place ? <Broken cause={failure.cause} /> : this.props.children
  }
}

function Broken({ cause }: { cause: unknown }) {
  const words = useWords().broken
  const reload = (
    <button type="button" onClick={() => location.reload()}>
      {words.reload}
    </button>
  )
  return (
    <Notice tone="bad" actions={reload}>
      {words.text} ({String(cause)})
    </Notice>
  )
}
