import { useQueries } from '@tanstack/react-query'
import { useMemo } from 'react'
import { checkTemplate } from '../../domain/template/check.ts'
import { promptQuery } from '../rest/prompts.ts'
import type { Parameter, Topic } from '../rest/topics.ts'

/** The live texts of a topic by prompt type. */
export interface TopicTexts {
  texts: ReadonlyMap<string, string>
  /** False while some are on their way. */
  areComplete: boolean
}

export function useTexts({ topic_id, prompts }: Topic): TopicTexts {
  const results = useQueries({
    queries: prompts.map(({ prompt_type, revision }) => promptQuery(topic_id, prompt_type, revision)),
    combine: (results) => results.flatMap(({ data }) => (data ? [data] : [])),
  })
  const areComplete = results.length === prompts.length
  return useMemo(
    () => ({
      texts: new Map(results.map(({ prompt_type, content }) => [prompt_type, content])),
      areComplete,
    }),
    [results, areComplete],
  )
}

/** The declared parameters that any of these texts uses, by name. */
export function usedNames(parameters: readonly Parameter[], texts: Iterable<string>): ReadonlySet<string> {
  return new Set([...texts].flatMap((text) => [...checkTemplate(text, parameters).used]))
}
