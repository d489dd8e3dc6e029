import { beforeEach, expect, test } from 'vitest'
import type { Topic } from '../../../src/domain/topic.ts'
import { topicOf } from '../../contracts/store.ts'
import { freshPlace, openAws } from '../../helpers/aws-store.ts'
import { failureOf } from '../../helpers/errors.ts'
import { topicContent, topicRecord } from '../../helpers/topics.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'

describeWithAws('write priority of instances that change one topic', (parts) => {
  let loser: ReturnType<typeof openAws>['topics']
  let rival: ReturnType<typeof openAws>['topics']
  let first: Topic
  let current: Topic
  const named = (topic: Topic, topic_name: string): Topic => ({ ...topic, topic_name })

  beforeEach(async () => {
    const place = await freshPlace(parts)
    loser = openAws(place).topics
    rival = openAws(place).topics
    first = await loser.save(topicRecord(topicContent('t', {})), {})
    current = await rival.save(named(first, 'two'), {})
  })
  const lose = async (losses: number) =>
    expect((await failureOf(() => loser.save(first, {}, losses))).code).toBe('conflict')

  test('an edit that has lost three times goes first', async () => {
    await lose(2)
    expect(await topicOf(rival, 't')).toEqual(current)
    const outcome = failureOf(() => rival.save(named(current, 'of the rival'), {}))
    const won = await loser.save(named(current, 'of the loser'), {}, 3)
    expect((await outcome).code).toBe('conflict')
    expect(await topicOf(rival, 't')).toEqual(won)
    expect(won.topic_name).toBe('of the loser')
    // The priority is over.
    expect((await rival.save(named(won, 'next'), {})).revision).toBe(4)
  })

  test('an edit that has lost less often claims nothing', async () => {
    await lose(1)
    const startedAt = performance.now()
    await rival.save(named(current, 'next'), {})
    expect(performance.now() - startedAt).toBeLessThan(1_500)
  })

  test('an instance that never comes back is waited for once, for two seconds', async () => {
    await lose(2)
    const took: number[] = []
    for (const name of ['three', 'four']) {
      const startedAt = performance.now()
      current = await rival.save(named(current, name), {})
      took.push(performance.now() - startedAt)
    }
    expect(took[0]).toBeGreaterThan(1_900)
    expect(took[1]).toBeLessThan(1_500)
  })

  test('of two that claim it, the first goes first', async () => {
    await lose(2)
    expect((await failureOf(() => rival.save(first, {}, 2))).code).toBe('conflict')
    const outcome = failureOf(() => rival.save(named(current, 'of the rival'), {}, 3))
    expect((await loser.save(named(current, 'of the loser'), {}, 3)).revision).toBe(3)
    expect((await outcome).code).toBe('conflict')
  })
})
