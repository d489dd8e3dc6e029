import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fastify } from 'fastify'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { registerDocs } from '../../../../src/transport/http/openapi/docs.ts'

// The page as it is built: `npm test` builds first.
const root = fileURLToPath(new URL('../../../../dist/docs', import.meta.url))

/** A server with the docs, as `serve` makes it: also below a path of the public address. */
function setUp(publicUrl?: string) {
  const app = fastify({
    routerOptions: { ignoreTrailingSlash: true },
    rewriteUrl: ({ url = '/' }) => (url.startsWith('/coaching/') ? url.slice('/coaching'.length) : url),
  })
  app.get('/api/v1/ping', () => ({}))
  registerDocs(app, { publicUrl, extraPaths: [], root })
  onTestFinished(() => app.close())
  return { app }
}

/** Follows redirects and resolves links as a browser does. */
function browser(app: ReturnType<typeof setUp>['app']) {
  const origin = 'http://127.0.0.1:3000'
  const open = async (address: string, base = origin): Promise<{ address: string; response: Response }> => {
    const { href, pathname } = new URL(address, base)
    const { statusCode, headers, body } = await app.inject(pathname)
    if (headers.location !== undefined) return open(headers.location, href)
    return { address: href, response: { statusCode, type: headers['content-type'], body } }
  }
  return open
}
interface Response {
  statusCode: number
  type: string | string[] | number | undefined
  body: string
}

beforeAll(() => {
  if (!existsSync(root)) throw new Error('dist/docs is missing: npm run build')
})

describe.each(['/docs', '/docs/', '/coaching/docs', '/coaching/docs/', '/docs/index.html'])(
  'the page at %s',
  (path) => {
    it('finds everything that it needs, on this server', async () => {
      const open = browser(setUp().app)
      const { address, response } = await open(path)
      expect(response).toMatchObject({ statusCode: 200, type: 'text/html; charset=utf-8' })
      const links = [...response.body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link as string)
      expect(links).toEqual(
        expect.arrayContaining(['swagger-ui-bundle.js', 'swagger-ui.css', '../openapi.json']),
      )
      for (const link of links) {
        const { response } = await open(link, address)
        expect(response.statusCode, link).toBe(200)
        expect(response.type, link).not.toMatch(/html/)
      }
    })
  },
)

it('the page holds no script and no style of its own, which its policy would refuse', async () => {
  const { app } = setUp()
  const { body, headers } = await app.inject('/docs/')
  expect(body).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/)
  expect(headers['content-security-policy']).toBe(
    "default-src 'self';img-src 'self' data:;object-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  )
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  })
  expect(headers).not.toHaveProperty('strict-transport-security')
})

it('only the docs bear the headers of pages', async () => {
  const { app } = setUp()
  expect((await app.inject('/docs/swagger-ui.css')).headers).toHaveProperty('content-security-policy')
  expect((await app.inject('/api/v1/ping')).headers).not.toHaveProperty('content-security-policy')
})

it.each([
  '/docs/..%2fmain.js',
  '/docs/%2e%2e/main.js',
  '/docs/../main.js',
  '/docs/nothing.js',
  '/docs/%00',
  '/docs/.hidden',
])('%s is not served', async (path) => {
  const { app } = setUp()
  const { statusCode, body } = await app.inject(path)
  expect(statusCode).toBeGreaterThanOrEqual(400)
  expect(statusCode).toBeLessThan(500)
  expect(body).not.toContain('import')
})

describe('/openapi.json', () => {
  it('is the document, with the public address', async () => {
    const { app } = setUp('https://prompts.example/coaching')
    const first = await app.inject('/openapi.json')
    const second = await app.inject('/coaching/openapi.json')
    expect(first.json()).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: 'https://prompts.example/coaching' }],
    })
    expect(first.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(first.headers['cache-control']).toBe('no-cache')
    expect(second.body).toBe(first.body)
  })

  it('names the address of the request where none is configured, and needs no listening socket', async () => {
    const { app } = setUp()
    const of = async (host: string) => (await app.inject({ url: '/openapi.json', headers: { host } })).json()
    expect((await of('127.0.0.1:3000')).servers).toEqual([{ url: 'http://127.0.0.1:3000' }])
    expect((await of('localhost:8080')).servers).toEqual([{ url: 'http://localhost:8080' }])
  })

  it('is not sent again to whoever has it', async () => {
    const { app } = setUp()
    const { headers } = await app.inject('/openapi.json')
    const again = await app.inject({
      url: '/openapi.json',
      headers: { 'if-none-match': String(headers.etag) },
    })
    expect(again.statusCode).toBe(304)
    expect(again.body).toBe('')
    expect(again.headers.etag).toBe(headers.etag)
  })
})
