import { API_ROOT } from '../../addresses.ts'
import type { Topic } from '../../rest/topics.ts'
import { CopyButton } from '../../ui/copy-button.tsx'
import { useWords } from '../../words/words.ts'
import { useSampling } from '../samples/use-sampling.ts'
import css from './details-page.module.css'
import { snippetsOf } from './snippets.ts'

/** The topic's id and ready calls, to copy into a program. */
export function Snippets({ topic }: { topic: Topic }) {
  const words = useWords().snippets
  const sampling = useSampling(topic)
  const snippets = snippetsOf(topic, sampling?.samples ?? {}, location.origin + API_ROOT)
  return (
    <section className={css.part}>
      <h2>{words.title}</h2>
      {[{ name: 'topic_id', code: topic.topic_id }, ...snippets].map(({ name, code }) => (
        <article key={name} className={css.snippet}>
          <header>
            <h3>{name}</h3>
            <CopyButton text={code} name={name} />
          </header>
          <pre>{code}</pre>
        </article>
      ))}
    </section>
  )
}
