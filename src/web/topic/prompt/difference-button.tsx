import { lazy, Suspense, useState } from 'react'
import type { Side } from '../../editor/difference.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Waiting } from '../../ui/notice.tsx'
import { useWords } from '../../words/words.ts'

const Difference = lazy(() => import('../../editor/difference.tsx'))

/** Shows how two texts differ. */
export function DifferenceButton({ title, before, after }: { title: string; before: Side; after: Side }) {
  const words = useWords()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setIsOpen(true)}>
        {words.difference}
      </button>
      {isOpen && (
        <Dialog title={title} width="wide" onClose={() => setIsOpen(false)}>
          <Suspense fallback={<Waiting />}>
            <Difference before={before} after={after} />
          </Suspense>
        </Dialog>
      )}
    </>
  )
}
