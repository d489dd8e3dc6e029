import { get, set } from 'idb-keyval'
import { useEffect, useMemo, useState } from 'react'
import type { Topic } from '../../rest/topics.ts'
import { currentWords } from '../../words/words.ts'
import type { SampleCase } from './cases.ts'
import { firstSamples, type Samples } from './sample.ts'

interface Kept {
  /** At least one. */
  cases: readonly SampleCase[]
  /** Which of them is chosen. */
  at: number
}

/** The sample values of a topic, in named cases. */
export interface Sampling extends Kept {
  /** The values of the chosen case. */
  samples: Samples
  /** Changes a value of the chosen case. */
  change(name: string, text: string): void
  /** Replaces the cases, and chooses one. */
  replace(cases: readonly SampleCase[], at: number): void
}

const keyOf = (topic_id: string) => ['sample-cases', topic_id]
const firstCases = (): Kept => ({ cases: [{ name: currentWords().samples.caseName(1), samples: {} }], at: 0 })

/** The sample values of a topic, which are kept in this browser; `undefined` until they are read. */
export function useSampling({ topic_id, allowed_parameters }: Topic): Sampling | undefined {
  const [kept, setKept] = useState<Kept>()
  useEffect(() => {
    void get<Kept>(keyOf(topic_id)).then(
      (found) => setKept(found ?? firstCases()),
      () => setKept(firstCases()),
    )
  }, [topic_id])
  const chosen = kept?.cases[kept.at]
  const samples = useMemo(
    () => ({ ...firstSamples(allowed_parameters), ...chosen?.samples }),
    [allowed_parameters, chosen],
  )
  if (!kept || !chosen) return undefined
  const replace = (cases: readonly SampleCase[], at: number) => {
    setKept({ cases, at })
    void set(keyOf(topic_id), { cases, at })
  }
  return {
    ...kept,
    samples,
    change(name, text) {
      const changed = { ...chosen, samples: { ...chosen.samples, [name]: text } }
      replace(kept.cases.with(kept.at, changed), kept.at)
    },
    replace,
  }
}
