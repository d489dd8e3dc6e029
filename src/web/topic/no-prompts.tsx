import { useLocation } from 'wouter'
import { useWords } from '../words/words.ts'
import { USUAL_TYPES } from './add-prompt-dialog.tsx'
import css from './topic-page.module.css'

/** A topic without prompts: what they are for, and the way to the first. */
export function NoPrompts() {
  const words = useWords()
  const [, navigate] = useLocation()
  return (
    <div className={css.empty}>
      <h2>{words.topic.noPrompts}</h2>
      <p>{words.topic.noPromptsHint}</p>
      <div className={css.choices}>
        {USUAL_TYPES.map((type, index) => (
          <button
            key={type}
            type="button"
            data-kind={index === 0 ? 'primary' : undefined}
            onClick={() => navigate(`/prompts/${type}`)}
          >
            {words.topic.write(type)}
          </button>
        ))}
      </div>
    </div>
  )
}
