import { useEffect, useState } from 'react'
import { type Draft, draftsOf } from '../../drafts/drafts.ts'
import type { Topic } from '../../rest/topics.ts'
import { Waiting } from '../../ui/notice.tsx'
import { useTitle } from '../../ui/use-title.ts'
import { useWords } from '../../words/words.ts'
import { useSampling } from '../samples/use-sampling.ts'
import { AnalysisRun } from './analysis-run.tsx'
import { ConversationRun } from './conversation-run.tsx'

const COACHING_TYPE = 'conversation_coaching'

/** Asks the model of a topic with its drafts and with its live texts, side by side, on the same values. */
export default function RunPage({ topic }: { topic: Topic }) {
  const words = useWords()
  const { topic_id, topic_name, topic_type } = topic
  const sampling = useSampling(topic)
  const drafts = useDrafts(topic_id)
  useTitle(`${words.run.title} · ${topic_name}`)
  if (!sampling || !drafts) return <Waiting />
  const props = { topic, sampling, drafts }
  return topic_type === COACHING_TYPE ? <ConversationRun {...props} /> : <AnalysisRun {...props} />
}

/** The drafts of a topic in this browser; `undefined` until they are read. */
function useDrafts(topic_id: string): ReadonlyMap<string, Draft> | undefined {
  const [drafts, setDrafts] = useState<ReadonlyMap<string, Draft>>()
  useEffect(() => {
    void draftsOf(topic_id).then(setDrafts, () => setDrafts(new Map()))
  }, [topic_id])
  return drafts
}
