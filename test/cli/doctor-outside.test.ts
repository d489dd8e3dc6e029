import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { makeCertificate } from '../helpers/certificate.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { runProgram } from '../helpers/program.ts'
import { sharedServer } from '../helpers/shared.ts'
import { type Faults, startProxy } from '../stand-ins/broken-proxy.ts'

const server = sharedServer(() => ({ PROMPTS_LIMIT_AUTH_FAILURES: '1000000' }))

/** What `doctor` says of the server behind a proxy with these faults: its exit code, and all that is not well. */
async function doctor(faults: Faults, { key = server.key }: { key?: string | null } = {}) {
  const { url } = await startProxy(server.url, faults)
  const words = ['doctor', '--url', url, '--hold', '1s']
  const { code, stdout, stderr } = await runCommand(words, { PROMPTS_TOKEN: key ?? undefined })
  expect(stderr).toBe('')
  const lines = stdout.trim().split('\n')
  return { code, url, lines, wrong: lines.filter((line) => line.startsWith('fail')) }
}

test('a server behind a good proxy is all ok', async () => {
  const { code, lines } = await doctor({})
  expect({ code, lines }).toEqual({
    code: 0,
    lines: [
      'note  No TLS, which is well on this machine only',
      expect.stringMatching(/^ok {4}\/healthz answers after \d+ ms$/),
      'ok    The clocks agree',
      'ok    Ready, with 6 topics',
      'ok    OpenAPI describes this address',
      'ok    The challenge of /mcp leads to the metadata',
      'ok    OAuth metadata is for this address',
      'note  No issuer (PROMPTS_JWT_ISSUER), so clients cannot sign in by themselves',
      'ok    CORS lets pages of this server call, and no others',
      'ok    MCP 2025-11-25 lists 6 prompts',
      'ok    MCP 2026-07-28 lists 6 prompts',
      expect.stringMatching(/^ok {4}A stream's first event comes after \d+ ms, while it goes on$/),
      'ok    The stream stays open (listened for 1 s)',
    ],
  })
})

test.each<[string, Faults, RegExp[]]>([
  [
    'changes headers and keeps paths',
    {
      headers(headers) {
        delete headers['www-authenticate']
        delete headers['mcp-session-id']
        headers['access-control-allow-origin'] = '*'
        headers.date = new Date(0).toUTCString()
      },
      keeps: ({ url = '' }) => /^\/(openapi.json|readyz)/.test(url),
    },
    [
      /clocks .* differ by \d+ s: tokens are refused .*NTP/,
      /\/readyz says status 404/,
      /\/openapi.json says status 404 .*pass on every path/,
      /have the proxy pass on WWW-Authenticate/,
      /Pages of every origin may call .*have the proxy add none/,
      /MCP 2025-11-25: no Mcp-Session-Id/,
    ],
  ],
  [
    'cuts streams and answers for the server',
    {
      cutsAfterMs: 500,
      keeps: ({ method, url = '' }) => method === 'OPTIONS' || url.startsWith('/.well-known'),
    },
    [
      /The challenge of \/mcp leads to .* says status 404\. Set PROMPTS_PUBLIC_URL/,
      /No OAuth metadata: status 404/,
      /OPTIONS \/mcp is answered with status 404, without Access-Control-Allow-Origin/,
      /stream ends after [01] s .*proxy_read_timeout/,
    ],
  ],
  ['holds answers back', { buffers: true }, [/first event does not come within 5 s: .*proxy_buffering off/]],
  ['passes on nothing', { keeps: () => true }, [/\/healthz says status 404\. .*PROMPTS_PUBLIC_URL/]],
])('a proxy that %s is found out, with what to do', async (_, faults, messages) => {
  const { code, wrong } = await doctor(faults)
  expect(code).toBe(1)
  expect(wrong).toEqual(messages.map((message) => expect.stringMatching(message)))
})

test('without a credential the rest is checked, with a wrong one it is said', async () => {
  const without = await doctor({}, { key: null })
  expect(without.code).toBe(0)
  expect(without.lines.at(-1)).toMatch(/^note {2}MCP and streams were not checked: .*PROMPTS_TOKEN/)
  const wrong = await doctor({}, { key: 'ppath_svc_dev_wrong' })
  expect(wrong.code).toBe(1)
  expect(wrong.wrong.join('\n')).toMatch(/initialize says status 401.*Is the credential of this server/)
})

test('a server that is not there is one line', async () => {
  const { code, stdout } = await runCommand(['doctor', '--url', 'http://127.0.0.1:1'], {})
  expect(code).toBe(1)
  expect(stdout).toContain('fail  http://127.0.0.1:1 cannot be reached')
})

test.each([
  [['--url', 'http://prompts.example.com'], 'url: expected an http'],
  [['--url', 'http://127.0.0.1:1', '--hold', 'long'], 'hold: expected a time'],
])('refuses %j', async (words, message) => {
  const { code, stderr } = await runCommand(['doctor', ...words], {})
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})

describe('over TLS', () => {
  async function certificate(days: number) {
    const { cert, key } = await makeCertificate(await tempFolder(), days)
    return { cert, tls: { cert: await readFile(cert), key: await readFile(key) } }
  }

  test('a certificate that no client accepts is named', async () => {
    const { tls } = await certificate(90)
    const { code, wrong } = await doctor({ tls })
    expect(code).toBe(1)
    expect(wrong[0]).toMatch(/Clients refuse the certificate \(.*SELF_SIGNED.*\): serve .* the whole chain/)
  })

  /** What is said of a certificate whose authority this machine knows. */
  async function doctorThatTrusts(days: number, host = 'localhost') {
    const { cert, tls } = await certificate(days)
    const { url } = await startProxy(server.url, { tls })
    const words = ['doctor', '--url', url.replace('localhost', host)]
    const { stdout } = await runProgram(words, { NODE_EXTRA_CA_CERTS: cert })
    return stdout
  }

  test('one that ends soon is worth a note', async () => {
    const stdout = await doctorThatTrusts(10)
    expect(stdout).toMatch(/^note {2}TLSv1\.3, certificate valid for (9|10) days: renew it$/m)
    // The proxy does not say that clients came by TLS.
    expect(stdout).toMatch(
      /OAuth metadata is for http:\/\/localhost:\d+\/mcp, which clients refuse: set PROMPTS_PUBLIC_URL/,
    )
  })

  test('one that has ended, or is for another host, says so', async () => {
    const said = await Promise.all([doctorThatTrusts(-1), doctorThatTrusts(90, '127.0.0.1')])
    expect(said).toEqual([
      expect.stringMatching(/^fail {2}Clients refuse .*EXPIRED.*: it ended on .* GMT\. Renew it/m),
      expect.stringMatching(/^fail {2}Clients refuse .*ALTNAME.*: it is for DNS:localhost\. Serve one/m),
    ])
  })
})
