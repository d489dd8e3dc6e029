import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { checkTemplate } from '../../../domain/template/check.ts'
import type { Fault } from '../../rest/problem.ts'
import { previewQuery } from '../../rest/prompts.ts'
import type { Topic } from '../../rest/topics.ts'
import { useSettled } from '../../ui/use-settled.ts'
import { type Samples, valuesOf } from '../samples/sample.ts'
import { usedNames, useTexts } from '../use-texts.ts'

const BYTES = new TextEncoder()

/** What is known of a text: what would keep it from being saved, and how it looks with sample values. */
export interface CheckedText {
  bytes: number
  /** Faults of the text, each at its place. */
  faults: readonly Omit<Fault, 'path'>[]
  /** Faults of the sample values, by parameter. */
  sampleFaults: Readonly<Record<string, string>>
  used: ReadonlySet<string>
  /** Declared parameters that no prompt of the topic uses. */
  unused: ReadonlySet<string>
  undeclared: ReadonlySet<string>
  /** The text with the values in it; the last one that could be made. */
  rendered: string | undefined
  /** Whether `rendered` is of this very text. */
  isCurrent: boolean
}

/**
 * Checks a text: at once by the grammar that the server uses, too, and then by the server itself, which alone knows the
 * other prompts, the limits and whether the values are valid.
 */
export function useCheckedText(
  topic: Topic,
  prompt_type: string,
  text: string,
  samples: Samples,
): CheckedText {
  const { topic_id, allowed_parameters, revision } = topic
  const check = useMemo(() => checkTemplate(text, allowed_parameters), [text, allowed_parameters])
  const unused = useUnused(topic, prompt_type, check.used)
  const bytes = useMemo(() => BYTES.encode(text).length, [text])
  const values = useMemo(() => valuesOf(allowed_parameters, samples), [allowed_parameters, samples])
  const asked = useSettled(useMemo(() => ({ text, values }), [text, values]))
  const preview = useQuery({
    ...previewQuery({ topic_id, prompt_type }, asked.text, asked.values, revision),
    placeholderData: keepPreviousData,
    enabled: topic.deleted_at === undefined,
  }).data
  const isCurrent = preview?.content === text
  const errors = isCurrent ? preview.errors : []
  const ofText = errors.filter((error) => error.path === 'content')
  return {
    bytes,
    faults: ofText.length > 0 ? ofText : check.errors,
    sampleFaults: Object.fromEntries(
      (preview?.errors ?? [])
        .filter(({ path }) => path.startsWith('parameters.'))
        .map(({ path, message }) => [path.split('.')[1] ?? '', message]),
    ),
    used: check.used,
    unused,
    undeclared: check.undeclared,
    rendered: preview?.rendered,
    isCurrent,
  }
}

/** @param used what the text in hand uses, in place of the live one. */
function useUnused(topic: Topic, prompt_type: string, used: ReadonlySet<string>): ReadonlySet<string> {
  const { allowed_parameters } = topic
  const { texts, areComplete } = useTexts(topic)
  const elsewhere = useMemo(() => {
    const others = [...texts].filter(([type]) => type !== prompt_type).map(([, text]) => text)
    return usedNames(allowed_parameters, others)
  }, [allowed_parameters, texts, prompt_type])
  return useMemo(() => {
    const names = areComplete ? allowed_parameters.map(({ name }) => name) : []
    return new Set(names.filter((name) => !used.has(name) && !elsewhere.has(name)))
  }, [allowed_parameters, areComplete, used, elsewhere])
}
