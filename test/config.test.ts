import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'

const PATHS = ['PROMPTS_DATA_DIR', 'PROMPTS_SNAPSHOT_FILE']

describe.each(PATHS)('the path in %s', (setting) => {
  const pathOf = (path: string) => {
    const { dataDir, aws } = loadConfig({ [setting]: path })
    return setting === 'PROMPTS_DATA_DIR' ? dataDir : aws.snapshotFile
  }

  it('may begin with ~ for the home folder', () => {
    expect(pathOf('~/prompts')).toBe(join(homedir(), 'prompts'))
    expect(pathOf('~')).toBe(homedir())
    expect(pathOf('/srv/~/prompts')).toBe('/srv/~/prompts')
  })

  it.each([`\${HOME}/prompts`, '$HOME/prompts', '%USERPROFILE%\\prompts'])(
    'holds no variable that only a shell would replace: %s',
    (path) => expect(() => pathOf(path)).toThrow(new RegExp(`^${setting} is wrong: .*are not replaced here`)),
  )
})

describe('allowed origins', () => {
  const originsOf = (text: string) => loadConfig({ PROMPTS_ALLOWED_ORIGINS: text }).allowedOrigins

  it('may have any scheme', () => {
    const origins = [
      'https://app.example.com',
      'chrome-extension://abcdef',
      'vscode-webview://1a2b',
      'localhost',
    ]
    expect(originsOf(origins.join(', '))).toEqual(origins)
  })

  it.each([
    'https://*.example.com',
    '*',
    'https://a.example/path',
    'vscode-webview://x/y',
    'chrome-extension:abc',
  ])('are whole and without wildcards: %s', (origin) =>
    expect(() => originsOf(origin)).toThrow(/^PROMPTS_ALLOWED_ORIGINS\.0 is wrong: .*without wildcards/),
  )
})

describe('sign-in at the issuer', () => {
  const ISSUER = {
    PROMPTS_JWT_JWKS_URL: 'https://login.example.com/keys',
    PROMPTS_JWT_ISSUER: 'https://login.example.com/',
    PROMPTS_JWT_AUDIENCE: 'prompts',
  }

  it('needs a client there', () => {
    expect(loadConfig(ISSUER).issuerClient).toBeUndefined()
    expect(loadConfig({ ...ISSUER, PROMPTS_OIDC_CLIENT_ID: 'page' }).issuerClient).toEqual({
      issuer: 'https://login.example.com/',
      clientId: 'page',
      clientSecret: undefined,
      scope: 'openid email',
    })
  })

  it.each([
    [{ PROMPTS_OIDC_CLIENT_ID: 'page' }, 'PROMPTS_JWT_JWKS_URL is missing'],
    [{ ...ISSUER, PROMPTS_OIDC_CLIENT_SECRET: 's' }, 'PROMPTS_OIDC_CLIENT_ID is missing'],
    [
      { ...ISSUER, PROMPTS_OIDC_CLIENT_ID: 'page', PROMPTS_JWT_ISSUER: 'acme' },
      'PROMPTS_JWT_ISSUER is wrong',
    ],
    [
      { ...ISSUER, PROMPTS_OIDC_CLIENT_ID: 'page', PROMPTS_JWT_ISSUER: 'http://login.example.com' },
      'PROMPTS_JWT_ISSUER is wrong',
    ],
  ])('is refused with %o', (settings, sentence) => {
    expect(() => loadConfig(settings)).toThrow(sentence)
  })
})
