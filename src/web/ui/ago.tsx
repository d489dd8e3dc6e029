import { useEffect, useState } from 'react'
import { useLanguage } from '../words/words.ts'

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const
const TICK_MS = 20_000

/** `3 minutes ago`, in the language of the person. */
function agoText(time: string | number, language: string, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  // Whole seconds hop, and clocks differ a little: a minute is exact enough.
  return unit === 'second' ? format.format(0, 'second') : format.format(Math.trunc(seconds / size), unit)
}

/** How long ago something was; the exact time on hovering. */
export function Ago({ time }: { time: string | number }) {
  const language = useLanguage()
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  const date = new Date(time)
  const exact = date.toLocaleString(language, { dateStyle: 'long', timeStyle: 'medium' })
  return (
    <time dateTime={date.toISOString()} title={exact}>
      {agoText(time, language)}
    </time>
  )
}
