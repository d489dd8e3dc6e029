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

/** To make one takes longer than to use it a thousand times. */
const formats = new Map<string, Intl.RelativeTimeFormat>()

function formatOf(language: string): Intl.RelativeTimeFormat {
  const format = formats.get(language) ?? new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  formats.set(language, format)
  return format
}

/** `3 minutes ago`, in the language of the person. */
function agoText(time: Date, language: string): string {
  const seconds = (time.getTime() - Date.now()) / 1000
  const ago = formatOf(language)
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  // Whole seconds hop, and clocks differ a little: a minute is exact enough.
  return unit === 'second' ? ago.format(0, 'second') : ago.format(Math.trunc(seconds / size), unit)
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
  // Made when it is wanted: formats of dates would be a tenth of the work until the list is there.
  const showExact = ({ currentTarget }: { currentTarget: HTMLTimeElement }) => {
    currentTarget.title = date.toLocaleString(language, { dateStyle: 'long', timeStyle: 'medium' })
  }
  return (
    <time dateTime={date.toISOString()} onPointerEnter={showExact}>
      {agoText(date, language)}
    </time>
  )
}
