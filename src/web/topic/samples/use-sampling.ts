import { get, set } from 'idb-keyval'
import { useEffect, useState } from 'react'
import type { Parameter } from '../../rest/topics.ts'
import { firstSamples, type Samples } from './sample.ts'

const keyOf = (topic_id: string) => ['samples', topic_id]

/** The sample values of a topic, kept in this browser. */
export function useSamples(topic_id: string, parameters: readonly Parameter[]) {
  const [kept, setKept] = useState<Samples>()
  useEffect(() => {
    void get<Samples>(keyOf(topic_id)).then(
      (samples) => setKept(samples ?? {}),
      () => setKept({}),
    )
  }, [topic_id])
  const samples = kept && { ...firstSamples(parameters), ...kept }
  const change = (name: string, text: string) => {
    const next = { ...kept, [name]: text }
    setKept(next)
    void set(keyOf(topic_id), next)
  }
  return { samples, change }
}
