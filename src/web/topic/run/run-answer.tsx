import { Badge } from '../../ui/badge.tsx'
import { Failure } from '../../ui/notice.tsx'
import { useLanguage, useWords } from '../../words/words.ts'
import css from './run-page.module.css'
import type { Run } from './use-runs.ts'

const TONES = { info: 'accent', warning: 'warn', critical: 'bad' } as const

/** An answer of the model as it comes, and what it has cost. */
export function RunAnswerView({ run, retry }: { run: Run; retry?: (() => void) | undefined }) {
  const words = useWords().run
  const { isRunning, text, isRepeated, answer, error } = run
  return (
    <>
      {error !== undefined && <Failure error={error} {...(retry && { retry })} />}
      {answer ? (
        <Finished data={answer.data} />
      ) : text !== '' ? (
        <pre className={css.text}>{text}</pre>
      ) : (
        isRunning && <p className={css.hint}>{isRepeated ? words.repaired : '…'}</p>
      )}
      {answer?.meta && <Facts meta={answer.meta} />}
    </>
  )
}

type Answer = NonNullable<Run['answer']>

function Finished({ data }: Pick<Answer, 'data'>) {
  const words = useWords().run
  if ('message' in data) return <pre className={css.text}>{data.message.content}</pre>
  const { severity, analysis, recommendations } = data
  return (
    <>
      <p>
        <Badge tone={TONES[severity]}>{words.severities[severity]}</Badge>
      </p>
      <pre className={css.text}>{analysis}</pre>
      {recommendations.length > 0 && (
        <>
          <h3>{words.recommendations}</h3>
          <ol className={css.recommendations}>
            {recommendations.map((recommendation) => (
              <li key={recommendation}>{recommendation}</li>
            ))}
          </ol>
        </>
      )}
    </>
  )
}

function Facts({ meta }: { meta: NonNullable<Answer['meta']> }) {
  const words = useWords().run
  const language = useLanguage()
  const { model, input_tokens, output_tokens, latency_ms } = meta
  const [tokensIn, tokensOut] = [input_tokens, output_tokens].map((count) => count.toLocaleString(language))
  const seconds = (latency_ms / 1000).toLocaleString(language, { maximumFractionDigits: 1 })
  return <p className={css.facts}>{words.facts(model, tokensIn as string, tokensOut as string, seconds)}</p>
}
