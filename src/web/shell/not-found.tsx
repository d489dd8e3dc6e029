import { Link } from 'wouter'
import { useWords } from '../words/words.ts'
import css from './bars.module.css'

export function NotFound() {
  const words = useWords()
  return (
    <section className={css.page}>
      <h1>{words.notFound.title}</h1>
      <p>{words.notFound.text}</p>
      <Link href="~/">{words.notFound.home}</Link>
    </section>
  )
}
