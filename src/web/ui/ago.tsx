import { useEffect, useState } from 'react'
import type { TimeUnit, Words } from '../words/en.ts'
import { useLanguage, useWords } from '../words/words.ts'

const UNITS: readonly [TimeUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]
const TICK_MS = 20_000

/** `3 minutes ago`, or `in 3 days`. Whole minutes are exact enough: seconds hop, and clocks differ a little. */
function agoText(time: Date, words: Words): string {
  const seconds = (Date.now() - time.getTime()) / 1000
  const found = UNITS.find(([, size]) => Math.abs(seconds) >= size)
  if (!found) return words.time.now
  const [unit, size] = found
  const count = Math.trunc(Math.abs(seconds) / size)
  return seconds > 0 ? words.time.ago(count, unit) : words.time.in(count, unit)
}

/** How long ago something was; the exact time on hovering. */
export function Ago({ time }: { time: string | number }) {
  const words = useWords()
  const language = useLanguage()
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  const date = new Date(time)
  // Made when it is wanted: formats of dates would be a tenth of the work until the list is there.
  const showExact = ({ currentTarget }: { currentTarget: HTMLTimeElement }) => {
    currentTarget.title = date.toLocaleString(language, { dateStyle: 'long', timeStyle: 'medium' })
  }
  return (
    <time dateTime={date.toISOString()} onPointerEnter={showExact}>
      {agoText(date, words)}
    </time>
  )
}
