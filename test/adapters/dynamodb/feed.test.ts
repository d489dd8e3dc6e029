import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, it } from 'vitest'
import { changedSince, changeFeed, FEED_ID, type Feed } from '../../../src/adapters/dynamodb/feed.ts'
import { freshPlace, openAws } from '../../helpers/aws-store.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'

const feed = (sequence: number, changes: string[], epoch = 'e'): Feed => ({ epoch, sequence, changes })

describe('changes between two reads of the feed', () => {
  it.each<[what: string, before: Feed | undefined, now: Feed | undefined, changed: string[] | undefined]>([
    ['none, before the first publication', undefined, undefined, []],
    ['all, since the first publication', undefined, feed(2, ['a', 'b']), ['a', 'b']],
    ['none, at the same sequence', feed(2, ['a', 'b']), feed(2, ['a', 'b']), []],
    ['the last ones', feed(2, ['a', 'b']), feed(4, ['a', 'b', 'c', 'd']), ['c', 'd']],
    ['each topic once', feed(1, ['a']), feed(4, ['a', 'b', 'a', 'b']), ['b', 'a']],
    ['as many as are listed', feed(7, ['x']), feed(10, ['a', 'b', 'c']), ['a', 'b', 'c']],
    ['unknown, if more than are listed', feed(6, ['x']), feed(10, ['a', 'b', 'c']), undefined],
    ['unknown, if the first ones are not listed', undefined, feed(4, ['a', 'b', 'c']), undefined],
    ['unknown, if the feed went back', feed(3, ['a', 'b', 'c']), feed(2, ['a', 'b']), undefined],
    ['unknown, if the feed is another one', feed(2, ['a', 'b']), feed(3, ['a', 'b', 'c'], 'f'), undefined],
    ['unknown, if the feed is gone', feed(2, ['a', 'b']), undefined, undefined],
  ])('%s', (_, before, now, changed) => {
    expect(changedSince(before, now)).toEqual(changed)
  })
})

describeWithAws('a change feed', (parts) => {
  async function opened() {
    const place = await freshPlace(parts)
    const { dynamodb } = openAws(place)
    const write = (topic_id: string, ConditionExpression = 'attribute_not_exists(topic_id)') => ({
      Put: { TableName: place.table, Item: { topic_id }, ConditionExpression },
    })
    const isThere = async (topic_id: string) => {
      const command = new GetCommand({ TableName: place.table, Key: { topic_id }, ConsistentRead: true })
      return (await dynamodb.send(command)).Item !== undefined
    }
    return { open: () => changeFeed(openAws(place).dynamodb, place.table), write, isThere }
  }

  it('is not there before the first publication', async () => {
    const { open } = await opened()
    expect(await open().read()).toBeUndefined()
  })

  it('lists what is published, the newest last', async () => {
    const { open, write, isThere } = await opened()
    const feed = open()
    for (const id of ['a', 'b']) expect(await feed.publish(id, write(id))).toBe(true)
    expect(await open().read()).toEqual({ epoch: expect.any(String), sequence: 2, changes: ['a', 'b'] })
    expect([await isThere('a'), await isThere(FEED_ID)]).toEqual([true, true])
  })

  it('lists nothing that is not written', async () => {
    const { open, write } = await opened()
    const feed = open()
    await feed.publish('a', write('a'))
    expect(await feed.publish('a', write('a'))).toBe(false)
    expect(await feed.read()).toMatchObject({ sequence: 1, changes: ['a'] })
  })

  it('goes on behind what other instances have published', async () => {
    const { open, write } = await opened()
    const [one, other] = [open(), open()]
    await one.publish('a', write('a'))
    await other.publish('b', write('b'))
    await one.publish('c', write('c'))
    expect(await one.read()).toMatchObject({ sequence: 3, changes: ['a', 'b', 'c'] })
  })

  it('loses nothing of several instances that publish at the same time', async () => {
    const { open, write } = await opened()
    const feeds = [open(), open(), open()]
    const ids = Array.from({ length: 15 }, (_, index) => `t${index}`)
    await Promise.all(ids.map((id, index) => feeds[index % 3]?.publish(id, write(id))))
    const { sequence, changes = [] } = (await open().read()) ?? {}
    expect({ sequence, changes: changes.sort() }).toEqual({ sequence: 15, changes: ids.sort() })
  })

  it('remembers the last 48 changes', async () => {
    const { open, write } = await opened()
    const feed = open()
    const ids = Array.from({ length: 50 }, (_, index) => `t${index}`)
    for (const id of ids) await feed.publish(id, write(id))
    expect(await feed.read()).toMatchObject({ sequence: 50, changes: ids.slice(2) })
  })
})
