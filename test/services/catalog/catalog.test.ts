import { describe, expect, it } from 'vitest'
import type { Topic } from '../../../src/domain/topic.ts'
import { catalogReads, createStoreReach, createTopicRecords } from '../../../src/services/catalog/catalog.ts'
import { failureAtOnce } from '../../helpers/errors.ts'
import { topicContent, topicRecord } from '../../helpers/topics.ts'

function record(topic_id: string, changes: Partial<Topic> = {}): Topic {
  const stamps = { created_at: '2030-01-01T00:00:00.000Z', updated_at: '2030-01-01T00:00:00.000Z' }
  return { ...topicRecord(topicContent(topic_id)), revision: 1, ...stamps, ...changes }
}

const stored = (topic: Topic) => ({ topic_id: topic.topic_id, topic })

function openRecords() {
  const warnings: string[] = []
  return { warnings, records: createTopicRecords((message) => warnings.push(message)) }
}

describe('topic records', () => {
  it('tell what an upsert has changed', () => {
    const { records } = openRecords()
    const [one, two] = [record('t'), record('t', { revision: 2 })]
    expect(records.upsert('t', stored(one))).toEqual({ topic_id: 't', after: one })
    expect(records.upsert('t', stored(two))).toEqual({ topic_id: 't', before: one, after: two })
    expect(records.get('t')).toBe(two)
    expect(records.upsert('t', undefined)).toEqual({ topic_id: 't', before: two })
    expect(records.upsert('t', undefined)).toBeUndefined()
    expect(records.get('t')).toBeUndefined()
    expect([...records.values()]).toEqual([])
  })

  it('keep the object that is there when the store has the same again', () => {
    const { records } = openRecords()
    const one = record('t')
    records.upsert('t', stored(one))
    expect(records.upsert('t', stored(structuredClone(one)))).toBeUndefined()
    expect(records.get('t')).toBe(one)
  })

  it('see a change that raised no revision and kept the time', () => {
    const { records } = openRecords()
    records.upsert('t', stored(record('t')))
    const changed = record('t', { topic_name: 'Other' })
    expect(records.has(stored(changed))).toBe(false)
    expect(records.upsert('t', stored(changed))?.after).toBe(changed)
    expect(records.has(stored(structuredClone(changed)))).toBe(true)
  })

  it('take only newer ones if asked to', () => {
    const { records } = openRecords()
    const two = record('t', { revision: 2 })
    records.upsertIfNewer(stored(two))
    for (const revision of [1, 2]) {
      expect(records.upsertIfNewer(stored(record('t', { revision, topic_name: 'Old' })))).toBeUndefined()
    }
    expect(records.get('t')).toBe(two)
    expect(records.upsertIfNewer(stored(record('t', { revision: 3 })))?.before).toBe(two)
    expect(records.upsertIfNewer({ topic_id: 't', invalid: 'broken' })?.after).toBeUndefined()
  })

  it('leave out an invalid topic and name the reason; each turn is warned of once, without the reason', () => {
    const { records, warnings } = openRecords()
    const one = record('t')
    records.upsert('t', stored(one))
    expect(records.upsert('t', { topic_id: 't', invalid: 'a secret {{text}}' })).toEqual({
      topic_id: 't',
      before: one,
    })
    expect(records.upsert('t', { topic_id: 't', invalid: 'another reason' })).toBeUndefined()
    expect([...records.invalid()]).toEqual([['t', 'another reason']])
    expect([records.get('t'), records.ids()]).toEqual([undefined, ['t']])
    expect(records.has({ topic_id: 't', invalid: 'another reason' })).toBe(true)
    expect(records.has({ topic_id: 't', invalid: 'a third' })).toBe(false)
    expect(records.upsert('t', stored(one))).toEqual({ topic_id: 't', after: one })
    expect(records.invalid().size).toBe(0)
    expect(warnings).toEqual([
      'topic t is invalid and not served until it is fixed; see doctor',
      'topic t is valid again',
    ])
  })

  it('are listed by display order and id: the same array until a record changes', () => {
    const { records } = openRecords()
    records.upsert('b', stored(record('b')))
    records.upsert('a', stored(record('a')))
    records.upsert('z', stored(record('z', { display_order: 1 })))
    const list = records.list()
    expect(list.map(({ topic_id }) => topic_id)).toEqual(['z', 'a', 'b'])
    records.upsert('a', stored(record('a')))
    expect(records.list()).toBe(list)
    records.upsert('a', undefined)
    expect(records.list().map(({ topic_id }) => topic_id)).toEqual(['z', 'b'])
  })
})

describe('the reach of a store', () => {
  function openReach() {
    const time = { now: new Date('2030-01-01T00:00:00Z') }
    return { time, reach: createStoreReach(() => time.now, 60_000) }
  }

  it('is lost since the first report, and of the time that this told', () => {
    const { reach, time } = openReach()
    expect([reach.isLost(), reach.staleSince(), reach.restore()]).toEqual([false, undefined, false])
    reach.lose(new Date('2029-12-31T23:00:00Z'))
    time.now = new Date('2030-01-01T00:00:30Z')
    reach.lose()
    expect([reach.isLost(), reach.staleSince()]).toEqual([true, new Date('2029-12-31T23:00:00Z')])
    expect([reach.restore(), reach.isLost(), reach.staleSince()]).toEqual([true, false, undefined])
    reach.lose()
    expect(reach.staleSince()).toEqual(time.now)
  })

  it('lets reads go on for the time that is set, and then no longer', () => {
    const { reach, time } = openReach()
    const { records } = openRecords()
    records.upsert('t', stored(record('t')))
    const { topic, published, list } = catalogReads(records, reach)
    reach.lose()
    time.now = new Date('2030-01-01T00:01:00Z')
    expect([topic('t').topic_id, published('t').topic_id, list().length]).toEqual(['t', 't', 1])
    time.now = new Date('2030-01-01T00:01:00.001Z')
    for (const read of [() => topic('t'), () => published('t'), () => topic('none'), list]) {
      expect(failureAtOnce(read)).toMatchObject({ code: 'unavailable', retryAfter: 5 })
    }
    reach.restore()
    expect(topic('t').topic_id).toBe('t')
  })
})

it('inactive topics are there and not published', () => {
  const { records } = openRecords()
  records.upsert('t', stored(record('t', { is_active: false })))
  const reads = catalogReads(
    records,
    createStoreReach(() => new Date(), 0),
  )
  expect(reads.topic('t').is_active).toBe(false)
  expect(failureAtOnce(() => reads.published('t')).code).toBe('not_found')
  expect(failureAtOnce(() => reads.topic('none')).code).toBe('not_found')
})
