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
const formats = new Map<string, { ago: Intl.RelativeTimeFormat; exact: Intl.DateTimeFormat }>()

function formatsOf(language: string) {
  const made = formats.get(language) ?? {
    ago: new Intl.RelativeTimeFormat(language, { numeric: 'auto' }),
    exact: new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'medium' }),
  }
  formats.set(language, made)
  return made
}

/** `3 minutes ago`, in the language of the person. */
function agoText(time: Date, language: string): string {
  const seconds = (time.getTime() - Date.now()) / 1000
  const { ago } = formatsOf(language)
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
  return (
    <time dateTime={date.toISOString()} title={formatsOf(language).exact.format(date)}>
      {agoText(date, language)}
    </time>
  )
}
