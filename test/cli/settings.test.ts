import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { isLoopback } from '../../src/util/address.ts'
import { runCommand } from '../helpers/command.ts'
import { failureAtOnce } from '../helpers/errors.ts'
import { tempFolder } from '../helpers/folders.ts'
import { copyPackage } from '../helpers/package-copy.ts'
import { type Environment, runProgram } from '../helpers/program.ts'

const NOBODY = 65534

const WRONG: [variable: string, settings: Environment][] = [
  ['PROMPTS_STORE', { PROMPTS_STORE: 'oracle' }],
  ['PROMPTS_PORT', { PROMPTS_PORT: 'abc' }],
  ['PROMPTS_PORT', { PROMPTS_PORT: '70000' }],
  ['PROMPTS_FRESHNESS_MS', { PROMPTS_FRESHNESS_MS: '5' }],
  ['PROMPTS_LIMIT_BATCH', { PROMPTS_LIMIT_BATCH: '0' }],
  ['PROMPTS_LOG_LEVEL', { PROMPTS_LOG_LEVEL: 'loud' }],
  ['STAGE', { STAGE: 'two words' }],
  ['PROMPTS_ALLOWED_HOSTS', { PROMPTS_HOST: '0.0.0.0' }],
  ['PROMPTS_LLM_BASE_URL', { PROMPTS_LLM: 'openai' }],
]

/** Exactly one line, and it names `variable`. */
const oneLineOn = (variable: string) => new RegExp(`^Invalid input: ${variable} [^\\n]+\\n$`)

describe('a wrong setting', () => {
  test.each(WRONG)('of %s stops every command with one line: %j', async (variable, settings) => {
    const PROMPTS_DATA_DIR = join(await tempFolder(), 'data')
    for (const words of [['serve'], ['stdio'], ['topics', 'list']]) {
      const { code, stdout, stderr } = await runCommand(words, { PROMPTS_DATA_DIR, ...settings })
      expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: '' })
      expect(stderr).toMatch(oneLineOn(variable))
    }
  })

  test.each([['doctor'], ['keys', 'list'], ['seed']])('stops %s %s too', async (...words) => {
    const settings = { PROMPTS_DATA_DIR: await tempFolder(), STAGE: 'UPPER' }
    const { code, stdout, stderr } = await runCommand(words, settings)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(oneLineOn('STAGE'))
  })

  test('is a problem document with --json', async () => {
    const { code, stderr } = await runCommand(['topics', 'list', '--json'], { PROMPTS_PORT: 'abc' })
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ code: 'invalid_input', errors: [{ path: 'PROMPTS_PORT' }] })
  })

  test('is named on the same single line as another one', async () => {
    const { code, stderr } = await runCommand(['doctor'], { PROMPTS_PORT: 'abc', STAGE: 'UPPER' })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^Invalid input: [^\n]*PROMPTS_PORT[^\n]*\n$/)
    expect(stderr).toContain('STAGE')
  })

  test('on the command line is named by its variable', async () => {
    const settings = { PROMPTS_DATA_DIR: await tempFolder() }
    const { code, stderr } = await runCommand(['serve', '--port', '70000'], settings)
    expect(code).toBe(2)
    expect(stderr).toMatch(oneLineOn('PROMPTS_PORT'))
  })
})

describe('a data folder that cannot be used', () => {
  test('because it is a file is one clear line', async () => {
    const file = join(await tempFolder(), 'file')
    await writeFile(file, '')
    const commands = [['topics', 'list'], ['keys', 'list'], ['seed']].map((words) => ({
      words,
      run: runCommand,
    }))
    // Servers change settings of their process before they open the folder.
    const servers = [['serve'], ['stdio']].map((words) => ({ words, run: runProgram }))
    for (const { words, run } of [...commands, ...servers]) {
      const { code, stdout, stderr } = await run(words, { PROMPTS_DATA_DIR: file })
      expect({ words, code, stdout }).toEqual({ words, code: 1, stdout: '' })
      expect(stderr).toMatch(/^[^\n]+ it is not a folder\. [^\n]*PROMPTS_DATA_DIR[^\n]*\n$/)
      expect(stderr).toContain(file)
    }
  })

  test.skipIf(process.getuid?.() !== 0)('because of its permissions is one clear line', async () => {
    const [outer, installed] = await Promise.all([tempFolder(), copyPackage()])
    await chmod(outer, 0o755)
    const folder = join(outer, 'readonly')
    await mkdir(folder)
    for (const PROMPTS_DATA_DIR of [folder, join(folder, 'new')]) {
      for (const words of [['topics', 'list'], ['keys', 'create', '--name', 'x'], ['serve']]) {
        const { code, stdout, stderr } = await installed.run(words, { PROMPTS_DATA_DIR }, NOBODY)
        expect({ words, code, stdout }).toEqual({ words, code: 1, stdout: '' })
        expect(stderr).toMatch(/^[^\n]+ permission denied\. [^\n]*PROMPTS_DATA_DIR[^\n]*\n$/)
        expect(stderr).toContain(PROMPTS_DATA_DIR)
      }
    }
  })
})

describe.runIf(process.platform === 'linux')('the default data folder', () => {
  const listedIn = async (settings: Environment) =>
    (await runProgram(['doctor'], { PROMPTS_DATA_DIR: undefined, ...settings })).stdout

  test('is in XDG_DATA_HOME', async () => {
    const [HOME, XDG_DATA_HOME] = await Promise.all([tempFolder(), tempFolder()])
    const stdout = await listedIn({ HOME, XDG_DATA_HOME })
    expect(stdout).toContain(`Data folder ${XDG_DATA_HOME}/purposepath-prompts can`)
  })

  test.each([undefined, '', 'relative/path'])('is below HOME when XDG_DATA_HOME is %j', async (base) => {
    const HOME = await tempFolder()
    const stdout = await listedIn({ HOME, XDG_DATA_HOME: base })
    expect(stdout).toContain(`Data folder ${HOME}/.local/share/purposepath-prompts can`)
  })
})

describe('loadConfig', () => {
  test('knows every default', () => {
    expect(loadConfig({ PROMPTS_DATA_DIR: '/data' })).toEqual({
      store: 'files',
      aws: {
        table: 'purposepath-llm-prompts-dev',
        bucket: 'purposepath-templates-dev',
        apiKeySecret: 'purposepath-backend-api-token-dev',
        jwtSecret: 'purposepath-jwt-secret-dev',
        limitsTable: 'purposepath-limits-dev',
        conversationsTable: 'purposepath-conversations-dev',
        snapshotFile: undefined,
        forcePathStyle: false,
      },
      dataDir: '/data',
      stage: 'dev',
      host: '127.0.0.1',
      port: 3000,
      allowedHosts: undefined,
      allowedOrigins: undefined,
      limits: { retrieval: 1000, batch: 100, analysis: 60, admin: 300, auth_failures: 10 },
      publicUrl: undefined,
      trustProxy: undefined,
      tokens: {
        jwksUrl: undefined,
        issuer: undefined,
        audiences: undefined,
        audienceClaim: 'aud',
        algorithms: ['HS256'],
        roleClaim: 'role',
      },
      llm: {
        provider: 'none',
        baseUrl: undefined,
        apiKey: undefined,
        model: undefined,
        timeoutMs: 60_000,
      },
      creatableTypes: ['kpi_system'],
      freshnessMs: 1000,
      credentials: {},
      shutdown: { graceMs: 3_000, mostMs: 5_000 },
      emf: false,
      traces: { endpoint: undefined, ratio: 0.03 },
      reconcileMs: 60_000,
      staleIfErrorMs: 600_000,
      logLevel: undefined,
    })
  })

  test('reads every setting', () => {
    const config = loadConfig({
      PROMPTS_STORE: 'aws',
      PROMPTS_TABLE: 'topics',
      PROMPTS_BUCKET: 'texts',
      PROMPTS_API_KEY_SECRET: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys-a1b2c3',
      PROMPTS_JWT_SECRET_NAME: 'prompts/jwt',
      PROMPTS_LIMITS_TABLE: 'limits',
      PROMPTS_CONVERSATIONS_TABLE: 'conversations',
      PROMPTS_SNAPSHOT_FILE: 'snapshot.json',
      PROMPTS_S3_FORCE_PATH_STYLE: 'true',
      PROMPTS_RECONCILE_MS: '1000',
      PROMPTS_DATA_DIR: 'relative',
      STAGE: 'prod-1',
      PROMPTS_HOST: '0.0.0.0',
      PROMPTS_PORT: '0',
      PROMPTS_ALLOWED_HOSTS: 'a.example, b.example',
      PROMPTS_ALLOWED_ORIGINS: 'c.example',
      PROMPTS_LIMIT_RETRIEVAL: '1',
      PROMPTS_LIMIT_BATCH: '2',
      PROMPTS_LIMIT_ANALYSIS: '3',
      PROMPTS_LIMIT_ADMIN: '4',
      PROMPTS_LIMIT_AUTH_FAILURES: '5',
      PROMPTS_PUBLIC_URL: 'https://api.example/coaching/',
      PROMPTS_TRUST_PROXY: '10.0.0.0/8, ::1',
      PROMPTS_JWT_JWKS_URL: 'https://issuer.example/jwks',
      PROMPTS_JWT_ISSUER: 'https://issuer.example',
      PROMPTS_JWT_AUDIENCE: 'a, b',
      PROMPTS_JWT_ALGORITHMS: 'ES256',
      PROMPTS_JWT_ROLE_CLAIM: 'realm_access.roles',
      PROMPTS_LLM: 'openai',
      PROMPTS_LLM_BASE_URL: 'http://127.0.0.1:11434/v1/',
      PROMPTS_LLM_API_KEY: 'secret',
      PROMPTS_LLM_MODEL: 'qwen3',
      PROMPTS_LLM_TIMEOUT_MS: '1000',
      PROMPTS_FRESHNESS_MS: '100',
      PROMPTS_STALE_IF_ERROR_MS: '0',
      PROMPTS_LOG_LEVEL: 'debug',
      PROMPTS_TOKEN: 'token',
      LANGFUSE_PUBLIC_KEY: 'pk',
      LANGFUSE_SECRET_KEY: 'sk',
    })
    expect(config).toEqual({
      store: 'aws',
      aws: {
        table: 'topics',
        bucket: 'texts',
        apiKeySecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys-a1b2c3',
        jwtSecret: 'prompts/jwt',
        limitsTable: 'limits',
        conversationsTable: 'conversations',
        snapshotFile: join(process.cwd(), 'snapshot.json'),
        forcePathStyle: true,
      },
      dataDir: join(process.cwd(), 'relative'),
      stage: 'prod-1',
      host: '0.0.0.0',
      port: 0,
      allowedHosts: ['a.example', 'b.example'],
      allowedOrigins: ['c.example'],
      limits: { retrieval: 1, batch: 2, analysis: 3, admin: 4, auth_failures: 5 },
      publicUrl: 'https://api.example/coaching',
      trustProxy: ['10.0.0.0/8', '::1'],
      tokens: {
        jwksUrl: 'https://issuer.example/jwks',
        issuer: 'https://issuer.example',
        audiences: ['a', 'b'],
        audienceClaim: 'aud',
        algorithms: ['ES256'],
        roleClaim: 'realm_access.roles',
      },
      llm: {
        provider: 'openai',
        baseUrl: 'http://127.0.0.1:11434/v1',
        apiKey: 'secret',
        model: 'qwen3',
        timeoutMs: 1000,
      },
      creatableTypes: ['kpi_system'],
      freshnessMs: 100,
      reconcileMs: 1000,
      staleIfErrorMs: 0,
      logLevel: 'debug',
      credentials: { token: 'token', langfusePublicKey: 'pk', langfuseSecretKey: 'sk' },
      shutdown: { graceMs: 3_000, mostMs: 5_000 },
      emf: false,
      traces: { endpoint: undefined, ratio: 0.03 },
    })
  })

  test('takes the command line before the environment, and an empty variable as unset', () => {
    const config = loadConfig({ PROMPTS_PORT: '2', STAGE: '', PROMPTS_DATA_DIR: '' }, { PROMPTS_PORT: '1' })
    expect([config.port, config.stage]).toEqual([1, 'dev'])
    expect(config.dataDir.startsWith(homedir())).toBe(true)
  })

  test.each([
    ['PROMPTS_LIMIT_BATCH', '0', 'from 1 to'],
    ['PROMPTS_LIMIT_ADMIN', '1.5', 'whole number'],
    ['PROMPTS_FRESHNESS_MS', '99', 'from 100 to'],
    ['PROMPTS_RECONCILE_MS', '999', 'from 1000 to'],
    ['PROMPTS_LLM', 'gpt', 'bedrock, openai, none'],
    ['PROMPTS_LLM_BASE_URL', 'localhost', 'http or https'],
    ['PROMPTS_TABLE', 'my table', 'name of an AWS resource'],
    ['PROMPTS_S3_FORCE_PATH_STYLE', 'yes', 'true, false'],
    ['PROMPTS_PORT', '-1', 'from 0 to 65535'],
    ['PROMPTS_LIMIT_AUTH_FAILURES', '0', 'from 1 to'],
    ['PROMPTS_PUBLIC_URL', 'api.example', 'http or https'],
    ['PROMPTS_PUBLIC_URL', 'https://api.example/?a=1', 'without query'],
    ['PROMPTS_PUBLIC_URL', 'https://user:word@api.example', 'credentials'],
    ['PROMPTS_TRUST_PROXY', 'yes', 'number of proxies'],
    ['PROMPTS_TRUST_PROXY', '10.0.0.0/33', 'addresses'],
    ['PROMPTS_JWT_JWKS_URL', 'http://issuer.example/jwks', 'https'],
    ['PROMPTS_JWT_ALGORITHMS', 'none', 'HS256'],
    ['PROMPTS_JWT_ALGORITHMS', 'RS256', 'HS256 without PROMPTS_JWT_JWKS_URL'],
    ['PROMPTS_PORT', ' ', 'whole number'],
    ['PROMPTS_STALE_IF_ERROR_MS', ' ', 'number'],
    ['PROMPTS_ALLOWED_HOSTS', 'a,,b', 'at least 1'],
    ['PROMPTS_LOG_LEVEL', 'loud', 'one of debug, info, warn, error, silent'],
  ])('says what %s=%j should have been', (name, value, expected) => {
    const error = failureAtOnce(() => loadConfig({ [name]: value }))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(new RegExp(`^${name}\\S* is wrong: expected [^\\n]*${expected}[^\\n]*\\.$`))
  })

  test.each(['127.0.0.1', '127.9.9.9', 'localhost', '::1', '::ffff:127.0.0.1'])(
    'needs no host names on %s',
    (host) => {
      expect(loadConfig({ PROMPTS_HOST: host }).host).toBe(host)
    },
  )

  test.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com', 'localhost.example.com'])(
    'does not take %s for loopback',
    (host) => {
      expect(isLoopback(host)).toBe(false)
      expect(failureAtOnce(() => loadConfig({ PROMPTS_HOST: host })).message).toContain(
        'PROMPTS_ALLOWED_HOSTS',
      )
      expect(loadConfig({ PROMPTS_HOST: host, PROMPTS_ALLOWED_HOSTS: 'x' }).allowedHosts).toEqual(['x'])
    },
  )
})
