import { expect, test } from 'vitest'
import { dataOf, expectProblem, kpiTopic, sharedApi } from '../../../helpers/api.ts'

const server = sharedApi()

/** A new topic with the prompt `system`: the address of each. */
async function newTopic(topic_id: string): Promise<{ topic: string; prompt: string }> {
  dataOf(
    await server.admin('POST /admin/prompts', { body: kpiTopic(topic_id, { prompts: { system: 'one' } }) }),
  )
  const topic = `/admin/prompts/${topic_id}`
  return { topic, prompt: `${topic}/system` }
}

test('an edit with If-Match of the current revision wins and answers the next ETag', async () => {
  const { admin } = server
  const { topic, prompt } = await newTopic('winning')
  const edit = (line: string, tag: string, body?: object) =>
    admin(line, { headers: { 'if-match': tag }, ...(body && { body }) })
  const written = await edit(`PUT ${prompt}`, '"1"', { content: 'two' })
  expect([written.status, written.headers.etag, written.headers['cache-control']]).toEqual([
    200,
    '"2"',
    'no-store',
  ])
  const changed = await edit(`PUT ${topic}`, '"2"', { description: 'x' })
  expect([changed.status, changed.headers.etag]).toEqual([200, '"3"'])
  const any = await edit(`PUT ${prompt}`, '*', { content: 'three' })
  expect([any.status, any.headers.etag]).toEqual([200, '"3"'])
  const both = await edit(`PUT ${prompt}`, '"3"', { content: 'four', expected_revision: 3 })
  expect([both.status, both.headers.etag]).toEqual([200, '"4"'])
  const restored = await edit(`POST ${prompt}/restore`, '"4"', { version_id: '1' })
  expect([restored.status, restored.headers.etag]).toEqual([200, '"5"'])
  const deleted = await edit(`DELETE ${prompt}`, '"5"')
  expect([deleted.status, deleted.headers.etag]).toEqual([200, undefined])
  const { headers } = await admin(`GET ${topic}`)
  expect((await edit(`DELETE ${topic}`, headers.etag ?? '')).status).toBe(200)
})

test('a stale If-Match is 412 and tells the current text, a stale expected_revision is 409', async () => {
  const { admin } = server
  const { topic, prompt } = await newTopic('stale')
  await admin(`PUT ${prompt}`, { body: { content: 'two' } })
  const current = {
    revision: 2,
    content: 'two',
    updated_by: 'admin@purposepath.ai',
    updated_at: expect.any(String),
  }
  const body = { content: 'three' }
  const stale = { 'if-match': '"1"' }
  const put = await admin(`PUT ${prompt}`, { body, headers: stale })
  expectProblem(put, 412, 'conflict')
  expect(put.json.current).toEqual(current)
  const deletion = await admin(`DELETE ${prompt}`, { headers: stale })
  expectProblem(deletion, 412, 'conflict')
  expect(deletion.json.current).toEqual(current)
  const old = await admin(`PUT ${prompt}`, { body: { ...body, expected_revision: 1 } })
  expectProblem(old, 409, 'conflict')
  expect(old.json.current).toEqual(current)
  const future = await admin(`DELETE ${prompt}?expected_revision=9`)
  expectProblem(future, 409, 'conflict')
  for (const line of [`PUT ${topic}`, `DELETE ${topic}`]) {
    const request = { headers: stale, ...(line.startsWith('PUT') && { body: { topic_name: 'x' } }) }
    expectProblem(await admin(line, request), 412, 'conflict')
  }
  expect((await admin(`GET ${prompt}`)).json.data).toMatchObject({ content: 'two', revision: 2 })
})

test('an If-Match of several revisions is true when one is the current, for topics and prompts alike', async () => {
  const { admin } = server
  const { topic, prompt } = await newTopic('several')
  const bodies = { [`PUT ${prompt}`]: { content: 'two' }, [`PUT ${topic}`]: { topic_name: 'Two' } }
  const send = (line: string, tags: string, more: object = {}) => {
    const body = line.startsWith('PUT') ? { ...bodies[line], ...more } : undefined
    return admin(line, { headers: { 'if-match': tags }, ...(body && { body }) })
  }
  const lines = [`PUT ${prompt}`, `DELETE ${prompt}`, `PUT ${topic}`, `DELETE ${topic}`]
  // Weak tags never match, and others are no revisions of ours; a tag may hold a comma.
  for (const tags of [
    '"7", "8"',
    'W/"1"',
    'W/"1", W/"2"',
    '"x"',
    '"0"',
    '""',
    '"a,1"',
    `"${'9'.repeat(30)}"`,
  ]) {
    for (const line of lines) expectProblem(await send(line, tags), 412, 'conflict')
  }
  const restored = { body: { version_id: '1' }, headers: { 'if-match': '"7", W/"1"' } }
  expectProblem(await admin(`POST ${prompt}/restore`, restored), 412, 'conflict')
  expect((await admin(`GET ${topic}`)).headers.etag).toBe('"1"')

  expect((await send(`PUT ${prompt}`, '"7", "1"', { expected_revision: 1 })).headers.etag).toBe('"2"')
  expect((await send(`PUT ${topic}`, 'W/"9","2" , "a,b"')).headers.etag).toBe('"3"')
  expect((await send(`DELETE ${prompt}`, '"2", "3"')).status).toBe(200)
  expect((await send(`DELETE ${topic}`, ', "3","4",')).status).toBe(200)
})

test('an If-Match that is no list of tags, contradicts or means nothing is refused by name', async () => {
  const { admin } = server
  const { topic, prompt } = await newTopic('malformed')
  const put = (tag: string, more: object = {}) =>
    admin(`PUT ${prompt}`, {
      body: { content: 'two', ...more },
      headers: { 'if-match': tag },
    })
  for (const tag of ['1', '"1" x', '"1" "2"', '"1', 'w/"1"', '*, "1"', ',', '']) {
    expectProblem(await put(tag), 400, 'invalid_input', ['if-match'])
  }
  for (const tag of ['"1"', '"1", "3"', 'W/"2"'])
    expectProblem(await put(tag, { expected_revision: 2 }), 400, 'invalid_input', ['if-match'])
  const headers = { 'if-match': '"1"' }
  const another = await admin('POST /admin/prompts', { body: kpiTopic('another'), headers })
  expectProblem(another, 400, 'invalid_input', ['if-match'])
  const extra = await admin(`POST ${topic}/user`, { body: { content: 'x' }, headers })
  expectProblem(extra, 400, 'invalid_input', ['if-match'])
  const missing = await admin(`PUT ${topic}/nothing`, {
    body: { content: 'x' },
    headers: { 'if-match': '*' },
  })
  expect([404, 412]).toContain(missing.status)
  expect((await admin(`GET ${prompt}`)).headers.etag).toBe('"1"')
})

test('an edit that was made from a text that is gone is refused, also when it would bring it back', async () => {
  const { admin } = server
  const { topic, prompt } = await newTopic('gone')
  expect((await admin(`DELETE ${prompt}`)).status).toBe(200)
  const before = await admin(`GET ${topic}`)
  for (const [body, headers] of [
    [{ version_id: '1', expected_revision: 1 }, {}],
    [{ version_id: '1' }, { 'if-match': '"1"' }],
  ] as const) {
    const answer = await admin(`POST ${prompt}/restore`, { body, headers })
    expect({ body, headers, code: answer.json.code }).toEqual({ body, headers, code: 'conflict' })
  }
  expect((await admin(`GET ${topic}`)).text).toBe(before.text)
  expect((await admin(`POST ${prompt}/restore`, { body: { version_id: '1' } })).status).toBe(200)
})

test('an edit that changes nothing makes no revision', async () => {
  const { admin } = server
  const { topic, prompt } = await newTopic('same')
  const before = await admin(`GET ${topic}`)
  for (const [line, body] of [
    [`PUT ${prompt}`, { content: 'one' }],
    [`POST ${prompt}/restore`, { version_id: '1' }],
    [`PUT ${topic}`, {}],
    [`PUT ${topic}`, { topic_name: 'Topic same', is_active: true, description: null }],
  ] as const) {
    const answer = await admin(line, { body })
    expect({ line, body, status: answer.status, etag: answer.headers.etag }).toEqual({
      line,
      body,
      status: 200,
      etag: '"1"',
    })
  }
  expect((await admin(`GET ${topic}`)).text).toBe(before.text)
})
