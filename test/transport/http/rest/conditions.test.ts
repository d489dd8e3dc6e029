import { expect, test } from 'vitest'
import { dataOf, kpiTopic, sharedApi } from '../../../helpers/api.ts'

const server = sharedApi()

const STRONG = /^"[^"]+"$/

/** Every address that services read, and what they may keep. */
const SERVICE_GETS = [
  '/prompts',
  '/prompts?topic_type=kpi_system&limit=5',
  '/prompts/core_values',
  '/prompts/core_values?include_parameters=true',
  '/integration/templates/revenue_salesforce',
]
const ADMIN_GETS = [
  '/admin/prompts',
  '/admin/prompts/core_values',
  '/admin/prompts/core_values/system',
  '/admin/prompts/core_values/system/history',
]

test('what services read carries a strong ETag and is not sent again to those who hold it', async () => {
  const { service } = server
  for (const path of SERVICE_GETS) {
    const full = await service(`GET ${path}`)
    const etag = full.headers.etag ?? ''
    expect({ path, status: full.status, etag }).toEqual({
      path,
      status: 200,
      etag: expect.stringMatching(STRONG),
    })
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`, `"a,b",W/"x" , W/${etag}`, '*']) {
      for (const method of ['GET', 'HEAD']) {
        const { status, text, headers } = await service(`${method} ${path}`, {
          headers: { 'if-none-match': held },
        })
        expect({ path, method, held, status, text, etag: headers.etag }).toEqual({
          path,
          method,
          held,
          status: 304,
          text: '',
          etag,
        })
        expect(headers).toHaveProperty('ratelimit')
        expect(headers).not.toHaveProperty('content-type')
        // Of HEAD Fastify says that there would be nothing.
        if (method === 'GET') expect(headers).not.toHaveProperty('content-length')
      }
    }
    for (const held of ['"other"', etag.slice(1, -1), etag.toUpperCase(), '']) {
      const { status, text } = await service(`GET ${path}`, { headers: { 'if-none-match': held } })
      expect({ path, held, status, text }).toEqual({ path, held, status: 200, text: full.text })
    }
  }
})

test('the ETag changes with what is answered, and with nothing else', async () => {
  const { admin, service } = server
  const body = kpiTopic('mine', { prompts: { system: 'one' } })
  dataOf(await admin('POST /admin/prompts', { body }))
  const tag = async () => (await service('GET /prompts/mine')).headers.etag
  const first = await tag()
  expect(await tag()).toBe(first)
  expect((await service('GET /prompts/mine?include_parameters=true')).headers.etag).not.toBe(first)
  await admin('PUT /admin/prompts/mine/system', { body: { content: 'two' } })
  const second = await tag()
  expect(second).not.toBe(first)
  expect(await tag()).toBe(second)
  await admin('PUT /admin/prompts/mine', { body: { description: 'x' } })
  const third = await service('GET /prompts/mine')
  expect({ revision: third.json.meta?.revision, same: third.headers.etag === second }).toEqual({
    revision: 3,
    same: false,
  })
  const stale = await service('GET /prompts/mine', { headers: { 'if-none-match': first ?? '' } })
  expect({ status: stale.status, text: stale.text }).toEqual({
    status: 200,
    text: expect.stringContaining('two'),
  })
})

test('administrators get the revision as ETag, keep nothing, and are always answered in full', async () => {
  const { admin } = server
  for (const path of ADMIN_GETS) {
    const full = await admin(`GET ${path}`)
    const { revision } = full.json.meta ?? {}
    expect({ path, status: full.status, cache: full.headers['cache-control'] }).toEqual({
      path,
      status: 200,
      cache: 'no-store',
    })
    expect(full.headers.etag).toBe(revision === undefined ? undefined : `"${revision}"`)
    for (const held of ['"1"', '*']) {
      const { status } = await admin(`GET ${path}`, { headers: { 'if-none-match': held } })
      expect({ path, held, status }).toEqual({ path, held, status: 200 })
    }
  }
  for (const path of ['/admin/prompts/core_values', '/admin/prompts/core_values/system']) {
    expect((await admin(`GET ${path}`)).headers.etag).toBe('"1"')
  }
})
