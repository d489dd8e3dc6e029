import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startLocal } from '../../../helpers/local-server.ts'

// As Vite builds it with `base: './'` and `html.cspNonce: 'CSP_NONCE'`.
const INDEX = `<!doctype html>
<html lang="en">
  <head>
    <meta property="csp-nonce" nonce="CSP_NONCE" />
    <title>Prompts</title>
    <script type="module" crossorigin src="./assets/index-B1c2.js" nonce="CSP_NONCE"></script>
    <link rel="stylesheet" crossorigin href="./assets/index-D3e4.css" nonce="CSP_NONCE" />
  </head>
  <body><main id="app"></main></body>
</html>
`
const SCRIPT = 'document.title = "x"'
const PAGE = {
  'index.html': INDEX,
  'assets/index-B1c2.js': SCRIPT,
  'assets/index-B1c2.js.br': brotliCompressSync(SCRIPT),
  'assets/index-D3e4.css': 'main {}',
  'assets/.hidden': 'secret',
  'secret.txt': 'secret',
}

const nonceIn = (html: string) => /nonce="([^"]+)"/.exec(html)?.[1] ?? ''

describe.each(['', '/coaching'])('below the path "%s"', (basePath) => {
  const settings = basePath === '' ? {} : { PROMPTS_PUBLIC_URL: `http://127.0.0.1:3000${basePath}` }

  it('every address is the page, which finds its assets from there', async () => {
    const { ask } = await startLocal(settings, PAGE)
    for (const address of [
      '/admin/',
      '/admin/topics',
      '/admin/topics/goals/system',
      '/admin/a/?q=b/c',
      '/admin/x.y',
    ]) {
      const { status, headers, text } = await ask(`GET ${basePath}${address}`)
      expect({ address, status }).toEqual({ address, status: 200 })
      expect(headers['content-type']).toBe('text/html; charset=utf-8')
      const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string)
      expect(links).toHaveLength(2)
      for (const link of links) {
        const { pathname } = new URL(link, `http://host${basePath}${address}`)
        expect(pathname).toMatch(new RegExp(`^${basePath}/admin/assets/index-`))
        expect((await ask(`GET ${pathname}`)).status).toBe(200)
      }
    }
    const { status, headers } = await ask(`GET ${basePath}/admin`)
    expect({ status, location: headers.location }).toEqual({ status: 302, location: 'admin/' })
  })
})

it('each answer has a nonce of its own, and a policy that lets nothing else in', async () => {
  const { ask } = await startLocal({}, PAGE)
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('GET /admin/')))
  const nonces = answers.map(({ headers, text }) => {
    const nonce = nonceIn(text)
    expect(nonce).toMatch(/^[\w+/]{22}==$/)
    expect(text.split(nonce)).toHaveLength(4)
    expect(text).not.toContain('CSP_NONCE')
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; connect-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    )
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    })
    return nonce
  })
  expect(new Set(nonces).size).toBe(nonces.length)
})

it('assets are kept for ever, and sent compressed to whoever takes that', async () => {
  const { ask } = await startLocal({}, PAGE)
  const plain = await ask('GET /admin/assets/index-B1c2.js')
  expect(plain.text).toBe(SCRIPT)
  expect(plain.headers).toMatchObject({
    'content-type': expect.stringMatching(/javascript; charset=utf-8$/),
    'cache-control': 'public, max-age=31536000, immutable',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  })
  const compressed = await ask('GET /admin/assets/index-B1c2.js', {
    headers: { 'accept-encoding': 'gzip, br' },
  })
  expect(brotliDecompressSync(compressed.body).toString()).toBe(SCRIPT)
  expect(compressed.headers).toMatchObject({
    'content-type': expect.stringMatching(/javascript; charset=utf-8$/),
    'content-encoding': 'br',
    vary: expect.stringMatching(/accept-encoding/i),
  })
  const style = await ask('GET /admin/assets/index-D3e4.css', { headers: { 'accept-encoding': 'br' } })
  expect(style.text).toBe('main {}')
})

it.each([
  '/admin/assets/../secret.txt',
  '/admin/assets/..%2fsecret.txt',
  '/admin/assets/%2e%2e/secret.txt',
  '/admin/assets/..%5csecret.txt',
  '/admin/assets/%2e%2e%2f%2e%2e%2f%2e%2e%2fseeds/topics/goals.json',
  '/admin/assets//etc/passwd',
  '/admin/assets/.hidden',
  '/admin/assets/nothing.js',
  '/admin/assets/%00',
  '/admin/assets/%zz',
])('%s is not served', async (path) => {
  const { ask } = await startLocal({}, PAGE)
  const { status, text } = await ask(`GET ${path}`)
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect(text).not.toMatch(/secret|root:|topic_id/)
})

it('files beside the assets are addresses of the page', async () => {
  const { ask } = await startLocal({}, PAGE)
  const { text } = await ask('GET /admin/secret.txt')
  expect(text).toContain('<main id="app">')
  expect(text).not.toContain('secret')
})

it('other methods have no meaning, and hosts are checked', async () => {
  const { ask } = await startLocal({}, PAGE)
  expect((await ask('POST /admin/topics')).status).toBe(405)
  expect((await ask('GET /admin/', { headers: { host: 'evil.example' } })).status).toBe(403)
})

it('a checkout that is not built says so', async () => {
  const { ask } = await startLocal()
  const { status, text } = await ask('GET /admin/')
  expect(status).toBe(503)
  expect(text).toContain('The admin page is not built here: npm run build')
  expect((await ask('GET /admin/assets/index-B1c2.js')).status).toBe(404)
})
