import { useQueryClient } from '@tanstack/react-query'
import { del, get, set as keep } from 'idb-keyval'
import { useEffect, useState } from 'react'
import { type Fault, hasCode, RestError } from '../rest/problem.ts'
import { type Input, rest } from '../rest/rest.ts'
import { refreshTopic, type Topic, topicQuery } from '../rest/topics.ts'
import { showToast } from '../ui/toasts.ts'
import { faultWords } from '../words/faults.ts'
import { useWords } from '../words/words.ts'

export type TopicChanges = NonNullable<Input<'PUT /admin/prompts/{topic_id}'>['body']>

/** What was changed and not saved, kept in this browser. */
interface Kept<Fields> {
  edits: Partial<Fields>
  /** What the changed fields were when they were changed first. */
  base: Partial<Fields>
}

/** The edit of some fields of a topic's record. */
export interface RecordEdit<Fields> {
  /** As they would be after saving: fields that nobody touches follow the server. */
  fields: Fields
  isDirty: boolean
  /** Changed fields that another user has changed meanwhile, too. */
  overlaps: (keyof Fields)[]
  faults: readonly Fault[]
  isSaving: boolean
  change(changes: Partial<Fields>): void
  save(): Promise<void>
  discard(): void
  /** Keeps the edits of fields that another user has changed, too. */
  insist(): void
}

/** How a place edits the record. */
export interface RecordPlace<Fields extends object> {
  /** Under which the edit is kept. */
  name: string
  /** The fields as they are edited. */
  read(topic: Topic): Fields
  /** What to send for changed fields. */
  changesOf(edits: Partial<Fields>, topic: Topic): TopicChanges
}

/** Edits some fields of a topic's record, and sends only those that were changed. The edit survives a reload. */
export function useRecordEdit<Fields extends object>(
  topic: Topic,
  place: RecordPlace<Fields>,
): RecordEdit<Fields> {
  const words = useWords()
  const client = useQueryClient()
  const { topic_id } = topic
  const [kept, setKept] = useState<Kept<Fields>>({ edits: {}, base: {} })
  const [faults, setFaults] = useState<readonly Fault[]>([])
  const [isSaving, setIsSaving] = useState(false)
  const key = ['record-edit', topic_id, place.name]
  useEffect(() => {
    void get<Kept<Fields>>(['record-edit', topic_id, place.name]).then(
      (found) => found && setKept(found),
      () => {},
    )
  }, [topic_id, place.name])

  const live = place.read(topic)
  const edits = differing(kept.edits, live)
  const overlaps = overlapping(kept, live)

  const update = (next: Kept<Fields>) => {
    setKept(next)
    void (Object.keys(next.edits).length > 0 ? keep(key, next) : del(key))
  }
  const discard = () => {
    setFaults([])
    update({ edits: {}, base: {} })
  }

  async function send(current: Topic, isSecondTry = false): Promise<void> {
    const body = place.changesOf(differing(kept.edits, place.read(current)), current)
    try {
      await rest('PUT /admin/prompts/{topic_id}', { path: { topic_id }, body, ifMatch: current.revision })
    } catch (error) {
      if (isSecondTry || !hasCode(error, 'conflict')) throw error
      const newest = await client.fetchQuery({ ...topicQuery(topic_id), staleTime: 0 })
      // Most often a prompt was saved, which raises the revision of the record, too.
      if (overlapping(kept, place.read(newest)).length > 0) return
      await send(newest, true)
    }
    discard()
    showToast({ text: words.record.saved, tone: 'done' })
  }

  return {
    fields: { ...live, ...edits },
    isDirty: Object.keys(edits).length > 0,
    overlaps,
    faults,
    isSaving,
    discard,
    change(changes) {
      const names = Object.keys(changes) as (keyof Fields)[]
      const base = Object.fromEntries(names.map((name) => [name, live[name]])) as Partial<Fields>
      update({ edits: { ...kept.edits, ...changes }, base: { ...base, ...kept.base } })
    },
    insist: () => update({ edits, base: live }),
    async save() {
      setIsSaving(true)
      setFaults([])
      try {
        await send(topic)
      } catch (error) {
        if (error instanceof RestError && error.faults.length > 0) setFaults(error.faults)
        else showToast({ text: faultWords(error, words), tone: 'failed' })
      } finally {
        setIsSaving(false)
      }
      await refreshTopic(client, topic_id)
    },
  }
}

/** The edits that would change something. */
function differing<Fields extends object>(edits: Partial<Fields>, live: Fields): Partial<Fields> {
  const entries = Object.entries(edits).filter(([name, value]) => !isSame(value, live[name as keyof Fields]))
  return Object.fromEntries(entries) as Partial<Fields>
}

function overlapping<Fields extends object>({ edits, base }: Kept<Fields>, live: Fields): (keyof Fields)[] {
  const names = Object.keys(differing(edits, live)) as (keyof Fields)[]
  return names.filter((name) => !isSame(base[name], live[name]))
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
