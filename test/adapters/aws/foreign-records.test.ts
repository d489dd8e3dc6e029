import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { expect, it } from 'vitest'
import { fingerprint } from '../../../src/domain/prompt-store.ts'
import { updatePrompt } from '../../../src/operations/prompts/edit.ts'
import { updateTopic } from '../../../src/operations/topics/edit.ts'
import { infoOf, topicOf, versionText } from '../../contracts/store.ts'
import { freshPlace, keepVersions, openAws, type Place } from '../../helpers/aws-store.ts'
import { failureOf } from '../../helpers/errors.ts'
import { caller } from '../../helpers/operations.ts'
import { waitFor } from '../../helpers/program.ts'
import { openServices, putBodies } from '../../helpers/services.ts'
import { type AwsParts, describeWithAws } from '../../stand-ins/aws.ts'

const SYSTEM = 'You coach {{user_name}}.'
const USER = 'Hello {{user_name}}, this is how far we are: {{conversation_history}}'

/** A record as the design document shows it, with attributes of other programs. */
const record = (bucket: string) => ({
  topic_id: 'core_values',
  topic_name: 'Core Values',
  topic_type: 'conversation_coaching',
  category: 'coaching',
  description: 'Discover core values',
  display_order: 1,
  is_active: true,
  allowed_parameters: [
    { name: 'user_name', type: 'string', required: true, description: "User's display name" },
    { name: 'conversation_history', type: 'array', required: false, description: null },
  ],
  prompts: ['system', 'user'].map((prompt_type) => ({
    prompt_type,
    s3_bucket: bucket,
    s3_key: `prompts/core_values/${prompt_type}.md`,
    updated_at: '2025-01-20T14:00:00Z',
    updated_by: 'admin@purposepath.ai',
  })),
  config: {
    default_model: 'anthropic.claude-3-sonnet-20240229-v1:0',
    supports_streaming: true,
    max_turns: 20,
  },
  created_at: '2025-01-15T10:00:00Z',
  updated_at: '2025-01-20T14:00:00Z',
  created_by: 'system',
  owner_team: 'coaching',
  cost_centre: { id: 9007199254740993n, tags: new Set(['a', 'b']) },
})

async function setUp(parts: AwsParts, { versioned = true, changes = {} } = {}) {
  const place = await freshPlace(parts, { versioned })
  const store = openAws(place, { reconcileMs: 1_000 })
  const Item = { ...record(place.bucket), ...changes }
  await store.dynamodb.send(new PutCommand({ TableName: place.table, Item }))
  await upload(place, 'system', SYSTEM)
  await upload(place, 'user', USER)
  return { place, store, services: () => openServices({ topics: store.topics, prompts: store.prompts }) }
}

async function upload(place: Place, prompt_type: string, Body: string): Promise<void> {
  const { s3 } = openAws(place)
  const Key = `prompts/core_values/${prompt_type}.md`
  await s3.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body }))
}

async function itemOf({ place, store }: Pick<Awaited<ReturnType<typeof setUp>>, 'place' | 'store'>) {
  const Key = { topic_id: 'core_values' }
  return (await store.dynamodb.send(new GetCommand({ TableName: place.table, Key }))).Item ?? {}
}

describeWithAws('a record that another program made', (parts) => {
  it.each([true, false])('is read and served (bucket keeps versions: %s)', async (versioned) => {
    const { services } = await setUp(parts, { versioned })
    const { catalog } = await services()
    const topic = catalog.published('core_values')
    expect(topic).toMatchObject({
      revision: 1,
      created_by: 'system',
      updated_by: 'system',
      updated_at: '2025-01-20T14:00:00Z',
      config: { max_turns: 20 },
    })
    expect(topic).not.toHaveProperty('owner_team')
    expect(infoOf(topic, 'user')).toMatchObject({
      ...fingerprint(USER),
      revision: 1,
      updated_by: 'admin@purposepath.ai',
    })
    expect(await catalog.texts(topic)).toEqual({ system: SYSTEM, user: USER })
  })

  it.each([true, false])('is upgraded by the first write (bucket keeps versions: %s)', async (versioned) => {
    const { place, store, services } = await setUp(parts, { versioned })
    const before = await itemOf({ place, store })
    const opened = await services()
    const published = await putBodies(opened, 'core_values', { user: 'New: {{user_name}}' })
    expect(published?.topic.revision).toBe(2)
    const item = await itemOf({ place, store })
    const { owner_team, cost_centre } = before
    expect(item).toMatchObject({ owner_team, cost_centre, revision: 2, updated_by: 'test' })
    const kept = infoOf(published?.topic as never, 'system')
    expect(kept).toMatchObject({ revision: 1, ...fingerprint(SYSTEM) })
    expect(await store.prompts.read('core_values', kept)).toBe(SYSTEM)
    const history = await store.prompts.history('core_values', 'user')
    const facts = history.map(({ revision, sha256 }) => [revision, sha256])
    expect(facts).toEqual([
      [2, fingerprint('New: {{user_name}}').sha256],
      [1, fingerprint(USER).sha256],
    ])
  })

  it('may have texts after a byte-order mark, which is no part of them', async () => {
    const { place, services } = await setUp(parts)
    await upload(place, 'user', `\uFEFF${USER}`)
    const opened = await services()
    const texts = async () => opened.catalog.texts(opened.catalog.published('core_values'))
    expect(infoOf(opened.catalog.published('core_values'), 'user')).toMatchObject(fingerprint(USER))
    expect(await texts()).toEqual({ system: SYSTEM, user: USER })
    await putBodies(opened, 'core_values', { system: 'New: {{user_name}}' })
    expect(await texts()).toEqual({ system: 'New: {{user_name}}', user: USER })
  })

  it('may count the byte-order mark of a text in its hash', async () => {
    const prompts = record('').prompts.map(({ s3_bucket: _, ...info }) => ({
      ...info,
      ...fingerprint(`\uFEFF${info.prompt_type === 'user' ? USER : SYSTEM}`),
      revision: 1,
    }))
    const { place, services } = await setUp(parts, { versioned: false, changes: { prompts } })
    for (const [type, text] of [
      ['system', SYSTEM],
      ['user', USER],
    ] as const) {
      await upload(place, type, `\uFEFF${text}`)
    }
    const { catalog } = await services()
    expect(await catalog.texts(catalog.published('core_values'))).toEqual({ system: SYSTEM, user: USER })
  })

  it('keeps its history in a bucket that begins to keep versions', async () => {
    const { place, store, services } = await setUp(parts, { versioned: false })
    await keepVersions(place)
    await putBodies(await services(), 'core_values', { user: 'New: {{user_name}}' })
    const history = await store.prompts.history('core_values', 'user')
    const texts = history.map(({ version_id }) =>
      versionText(store.prompts, 'core_values', 'user', version_id),
    )
    expect(await Promise.all(texts)).toEqual(['New: {{user_name}}', USER])
  })

  it('lets just one of two first writes win', async () => {
    const { store } = await setUp(parts)
    const topic = await topicOf(store.topics, 'core_values')
    const saves = ['A', 'B'].map((topic_name) => store.topics.save({ ...topic, topic_name }, {}))
    const outcomes = await Promise.allSettled(saves)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect((await topicOf(store.topics, 'core_values')).revision).toBe(2)
  })

  it('is out while its texts are missing or use what it does not declare, and back when fixed', async () => {
    const { place, services } = await setUp(parts, { changes: { topic_id: 'core_values' } })
    await upload(place, 'user', 'Hello {{nobody}}')
    const { catalog } = await services()
    expect([...catalog.invalid()]).toEqual([['core_values', expect.stringContaining('nobody')]])
    await upload(place, 'user', USER)
    await waitFor(() => catalog.invalid().size === 0)
    expect(await catalog.texts(catalog.published('core_values'))).toEqual({ system: SYSTEM, user: USER })
  })

  it.each([
    ['a type of another kind', { topic_type: 7 }],
    ['parameters that are none', { allowed_parameters: [{ name: 'UPPER', type: 'text' }] }],
    ['prompts that are none', { prompts: ['system'] }],
    ['no prompts list', { prompts: { system: 'x' } }],
  ])('harms no other topic: %s', async (_, changes) => {
    const { place, store, services } = await setUp(parts, { changes })
    const good = { ...record(place.bucket), topic_id: 'good', prompts: [] }
    await store.dynamodb.send(new PutCommand({ TableName: place.table, Item: good }))
    const { catalog } = await services()
    expect(catalog.list().map(({ topic_id }) => topic_id)).toContain('good')
    const isServed = catalog.list().some(({ topic_id }) => topic_id === 'core_values')
    expect(isServed).toBe(!catalog.invalid().has('core_values'))
  })
})

describeWithAws('a record with values that JavaScript has not', (parts) => {
  /** Attributes as DynamoDB holds them, which no object of JavaScript says. */
  const odd: Record<string, AttributeValue> = {
    config: {
      M: {
        seed: { N: '9007199254740993' },
        ratio: { N: '0.5' },
        default_model: { NULL: true },
        vendor: {
          M: { ids: { L: [{ N: '12345678901234567890123456789012345678' }] }, none: { NULL: true } },
        },
      },
    },
    allowed_parameters: {
      L: ['user_name', 'conversation_history'].map((name) => ({
        M: {
          name: { S: name },
          type: { S: name === 'user_name' ? 'string' : 'array' },
          default: { NULL: true },
          validation: { M: { type: { S: 'length' }, min: { NULL: true }, max: { N: '500' } } },
        },
      })),
    },
    prompts: {
      L: [
        { M: { prompt_type: { S: 'system' }, reviews: { N: '9007199254740993' } } },
        { M: { prompt_type: { S: 'user' }, updated_by: { NULL: true } } },
      ],
    },
    external_id: { NULL: true },
    cost_centre: { N: '99999999999999999999' },
  }

  async function setUpOdd() {
    const { place, store, services } = await setUp(parts)
    const names = Object.keys(odd)
    const key = { TableName: place.table, Key: { topic_id: { S: 'core_values' } } }
    const write = new UpdateItemCommand({
      ...key,
      UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(', ')}`,
      ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, odd[name] as never])),
    })
    await store.dynamodb.send(write)
    const read = new GetItemCommand({ ...key, ConsistentRead: true })
    const rawItem = async () => (await store.dynamodb.send(read)).Item
    return { services: await services(), rawItem }
  }

  it('is served with nulls as absent and numbers that are not exact as text', async () => {
    const { services } = await setUpOdd()
    const topic = services.catalog.published('core_values')
    const rule = { type: 'length', max: 500 }
    expect(topic.config).toEqual({
      seed: '9007199254740993',
      ratio: 0.5,
      vendor: { ids: ['12345678901234567890123456789012345678'], none: null },
    })
    expect(topic.allowed_parameters).toMatchObject([
      { name: 'user_name', validation: rule },
      { name: 'conversation_history', validation: rule },
    ])
    expect(topic).not.toHaveProperty('external_id')
  })

  it('is edited like any other, and keeps what an edit does not change to the last digit', async () => {
    const { services, rawItem } = await setUpOdd()
    const call = caller(services)
    await call(updateTopic, { topic_id: 'core_values', description: 'By us' })
    await call(updatePrompt, { topic_id: 'core_values', prompt_type: 'user', content: 'New: {{user_name}}' })
    // What an editor sends back as it was read is no change either.
    const { config, allowed_parameters } = services.catalog.topic('core_values')
    const whole = { topic_id: 'core_values', topic_name: 'Ours', config, allowed_parameters }
    expect((await call(updateTopic, whole)).meta).toMatchObject({ revision: 4 })
    const { external_id, prompts, ...kept } = odd
    expect(await rawItem()).toMatchObject({
      ...kept,
      description: { S: 'By us' },
      topic_name: { S: 'Ours' },
      revision: { N: '4' },
    })
    const replaced = { topic_id: 'core_values', config: { ...config, ratio: 1 } }
    await call(updateTopic, replaced)
    const item = await rawItem()
    const { default_model, ...values } = odd['config']?.M ?? {}
    expect(item).toMatchObject({ ...kept, config: { M: { ...values, ratio: { N: '1' } } } })
    expect(item?.['prompts']?.L).toMatchObject([
      { M: { prompt_type: { S: 'system' }, reviews: { N: '9007199254740993' }, revision: { N: '1' } } },
      { M: { prompt_type: { S: 'user' }, revision: { N: '2' } } },
    ])
  })

  it('refuses a number that is not exact by its path', async () => {
    const { services } = await setUpOdd()
    const wrong = { topic_id: 'core_values', config: { seed: 2 ** 53 } }
    const error = await failureOf(() => caller(services)(updateTopic, wrong))
    expect(error).toMatchObject({ code: 'invalid_input', errors: [{ path: 'config.seed' }] })
  })
})

describeWithAws('a record whose texts are out of reach', (parts) => {
  it('is out, harms no start and no reconciling, and is back when fixed', async () => {
    const { place, store, services } = await setUp(parts)
    const lost = { ...record('no-such-bucket-anywhere'), topic_id: 'lost' }
    await store.dynamodb.send(new PutCommand({ TableName: place.table, Item: lost }))
    const { catalog } = await services()
    expect(await catalog.texts(catalog.published('core_values'))).toEqual({ system: SYSTEM, user: USER })
    expect([...catalog.invalid()]).toEqual([['lost', expect.stringContaining('no-such-bucket-anywhere')]])
    const update = { ...record(place.bucket), topic_name: 'Renamed' }
    await store.dynamodb.send(new PutCommand({ TableName: place.table, Item: update }))
    await waitFor(() => catalog.topic('core_values').topic_name === 'Renamed')
    const fixed = { ...record(place.bucket), topic_id: 'lost', prompts: [] }
    await store.dynamodb.send(new PutCommand({ TableName: place.table, Item: fixed }))
    await waitFor(() => catalog.invalid().size === 0 && catalog.published('lost'))
  })
})

describeWithAws('a record changed past this program', (parts) => {
  it('is seen within the reconcile time, though its revision is the same', async () => {
    const { place, store, services } = await setUp(parts)
    const { catalog } = await services()
    const changedAt = performance.now()
    await store.dynamodb.send(
      new UpdateCommand({
        TableName: place.table,
        Key: { topic_id: 'core_values' },
        UpdateExpression: 'SET topic_name = :name',
        ExpressionAttributeValues: { ':name': 'Renamed' },
      }),
    )
    await waitFor(() => catalog.topic('core_values').topic_name === 'Renamed')
    expect(performance.now() - changedAt).toBeLessThan(2_000)
  })
})
