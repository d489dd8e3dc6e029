import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { prometheusMetrics } from '../../src/adapters/telemetry/prometheus.ts'
import { loadConfig } from '../../src/config.ts'
import { ERROR_CODES, type ErrorCode } from '../../src/domain/errors.ts'
import { operations } from '../../src/operations/table.ts'
import { API_ROOT, restRoutes } from '../../src/transport/http/rest/routes.ts'
import { PACKAGE_ROOT, runProgram } from '../helpers/program.ts'
import { codesIn, pages, tableRows } from './pages.ts'

const SOURCE = join(PACKAGE_ROOT, 'src')
const source = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(SOURCE, name), 'utf8') }))
/** Every match of a pattern's first group in the source, each once. */
const inSource = (pattern: RegExp, path = /./) => [
  ...new Set(
    source
      .filter(({ name }) => path.test(name))
      .flatMap(({ text }) => [...text.matchAll(pattern)].map(([, found]) => found as string)),
  ),
]

const codes = Object.keys(ERROR_CODES) as ErrorCode[]
const { limits, ...config } = loadConfig({}, {})

describe('operations', () => {
  it('docs/specification.md lists them all, with tool, routes, role and limit', () => {
    const rows = tableRows('docs/specification.md', 'operation').map((cells) => [
      ...cells.slice(0, 3).map(codesIn),
      ...cells.slice(3),
    ])
    expect(rows).toEqual(
      operations.map(({ name, tool, http, adminRoute, role, limit }) => [
        [name],
        tool === undefined ? [] : [tool],
        [http, ...(adminRoute ? [adminRoute.http] : [])],
        role,
        limit,
      ]),
    )
  })

  it('docs/mcp.md lists every tool, with role and effect', () => {
    const rows = tableRows('docs/mcp.md', 'tool').map(([tool, role, effect]) => [
      ...codesIn(tool),
      role,
      effect,
    ])
    expect(rows).toEqual(
      operations.flatMap(({ tool, role, effect }) => (tool === undefined ? [] : [[tool, role, effect]])),
    )
  })

  it('docs/rest.md lists every route, with role and limit', () => {
    const rows = tableRows('docs/rest.md', 'route')
      .filter((cells) => cells.length === 4)
      .map(([route, , role, limit]) => [...codesIn(route), role, limit].join(' '))
    const routes = restRoutes.map(
      ({ method, path, operation: { role, limit } }) => `${method} ${API_ROOT}${path} ${role} ${limit}`,
    )
    expect(rows.sort()).toEqual(routes.sort())
  })

  it('docs/cli.md lists every command', async () => {
    const named = tableRows('docs/cli.md', 'command').flatMap(([command]) => codesIn(command))
    const ofOperations = operations
      .filter(({ command }) => command !== false)
      .map(({ name }) => name.replace('.', ' '))
    const { stdout } = await runProgram(['--help'], {})
    const [, listed = ''] = stdout.split('Commands:')
    const groups = new Set(ofOperations.map((command) => command.split(' ')[0]))
    const others = [...listed.matchAll(/^ {2}([a-z]+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help' && !groups.has(name))
    const firstWords = new Set(named.map((command) => command.split(' ')[0]))
    expect(named.map((command) => command.replace(/ (ID|--).*/, ''))).toEqual(
      expect.arrayContaining(ofOperations),
    )
    expect([...firstWords].sort()).toEqual([...groups, ...others].sort())
  })
})

describe('error codes', () => {
  it('docs/specification.md has them all, with status, JSON-RPC code and exit code', () => {
    const rows = tableRows('docs/specification.md', 'code').map(([code, ...numbers]) => [
      ...codesIn(code),
      ...numbers.map(Number),
    ])
    expect(rows).toEqual(
      codes.map((code) => [code, ERROR_CODES[code].http, ERROR_CODES[code].jsonrpc, ERROR_CODES[code].exit]),
    )
  })

  it('docs/mcp.md has them all, with their JSON-RPC codes', () => {
    // The other two are answered by HTTP alone.
    const overHttp: ErrorCode[] = ['unauthenticated', 'method_not_allowed']
    const rows = tableRows('docs/mcp.md', 'code').map(([code, jsonrpc]) => [...codesIn(code), jsonrpc])
    expect(rows).toEqual(
      codes.map((code) => [code, overHttp.includes(code) ? '' : String(ERROR_CODES[code].jsonrpc)]),
    )
  })

  it('docs/rest.md has them all, with their statuses', () => {
    const rows = tableRows('docs/rest.md', '`code`')
      .filter(([code]) => code !== '')
      .map(([code, status]) => [...codesIn(code), Number.parseInt(status ?? '', 10)])
    expect(rows.sort()).toEqual(codes.map((code) => [code, ERROR_CODES[code].http]).sort())
  })

  it('docs/cli.md has their exit codes', () => {
    const rows = tableRows('docs/cli.md', 'exit code').flatMap(([exit, when]) =>
      codesIn(when).map((code) => [code, Number(exit)]),
    )
    const special = codes.filter((code) => ERROR_CODES[code].exit !== 1)
    expect(rows.sort()).toEqual(special.map((code) => [code, ERROR_CODES[code].exit]).sort())
  })
})

describe('docs/audit.md', () => {
  it('lists every event', () => {
    const rows = tableRows('docs/audit.md', 'event').flatMap(([event]) => codesIn(event))
    const verbs = inSource(/name: '(mcp\.[\w.]+)'/g, /^transport\/mcp\//)
    const commands = inSource(/'(operator\.[\w.]+)'/g, /^cli\//)
    const events = ['authenticate', 'request', ...operations.map(({ name }) => name), ...verbs, ...commands]
    expect(rows.sort()).toEqual(events.sort())
  })

  it('lists every outcome', () => {
    const rows = tableRows('docs/audit.md', 'outcome').flatMap(([outcome]) => codesIn(outcome))
    // A wrong method is refused before anyone is asked who sends it.
    const audited = codes.filter((code) => code !== 'method_not_allowed')
    expect(rows.sort()).toEqual(['ok', 'cancelled', ...audited].sort())
  })
})

describe('docs/metrics.md', () => {
  it('lists every metric of our own', async () => {
    const { expose } = prometheusMetrics({ provider: 'none' })
    const exported = [...(await expose()).matchAll(/^# TYPE ((?:prompts|mcp|gen_ai)_\w+)/gm)]
    const rows = tableRows('docs/metrics.md', 'metric').flatMap(([metric]) => codesIn(metric))
    expect(rows.sort()).toEqual(exported.map(([, name]) => name).sort())
  })

  it('its queries name metrics that it lists', () => {
    const names = new Set(tableRows('docs/metrics.md', 'metric').flatMap(([metric]) => codesIn(metric)))
    const queries = tableRows('docs/metrics.md', 'question').flatMap(([, query]) => codesIn(query))
    const named = queries.flatMap((query) => query.match(/\b(prompts|mcp|gen_ai)_\w+/g) ?? [])
    expect(named.length).toBe(queries.length)
    expect(named.filter((name) => !names.has(name.replace(/_bucket$/, '')))).toEqual([])
  })
})

describe('limits', () => {
  it.each([
    ['docs/rest.md', 'limit', 2],
    ['SECURITY.md', 'what', 1],
  ] as const)('%s has every limit, with its default', (path, head, column) => {
    const rows = tableRows(path, head)
      .map((cells) => [
        codesIn(cells[0])[0] ?? '',
        Number.parseInt((cells[column] ?? '').replace(',', ''), 10),
      ])
      .filter(([name]) => name !== '')
    expect(Object.fromEntries(rows)).toEqual(limits)
  })

  it('docs/rest.md names the setting of each', () => {
    const rows = tableRows('docs/rest.md', 'limit').map(([limit, , , setting]) => [
      ...codesIn(limit),
      ...codesIn(setting),
    ])
    expect(rows).toEqual(Object.keys(limits).map((name) => [name, `PROMPTS_LIMIT_${name.toUpperCase()}`]))
  })
})

describe('settings', () => {
  const names = inSource(
    /\b(PROMPTS_[A-Z0-9_]+|OTEL_[A-Z0-9_]+|STAGE|LANGFUSE_[A-Z_]+|AWS_LAMBDA_[A-Z_]+)\b/g,
    /^config\.ts$/,
  )
  const rows = tableRows('docs/settings.md', 'variable')

  it('docs/settings.md lists them all', () => {
    expect(rows.flatMap(([variable]) => codesIn(variable)).sort()).toEqual(names.sort())
  })

  it('docs/settings.md has their defaults', () => {
    const defaults = Object.fromEntries(
      rows.map(([variable, standard]) => [codesIn(variable)[0], codesIn(standard)[0]]),
    )
    expect(defaults).toMatchObject({
      PROMPTS_STORE: config.store,
      STAGE: config.stage,
      PROMPTS_HOST: config.host,
      PROMPTS_PORT: String(config.port),
      PROMPTS_JWT_ROLE_CLAIM: config.tokens.roleClaim,
      ...Object.fromEntries(
        Object.entries(limits).map(([name, calls]) => [`PROMPTS_LIMIT_${name.toUpperCase()}`, String(calls)]),
      ),
      PROMPTS_CREATABLE_TYPES: config.creatableTypes.join(','),
      PROMPTS_FRESHNESS_MS: String(config.freshnessMs),
      PROMPTS_RECONCILE_MS: String(config.reconcileMs),
      PROMPTS_STALE_IF_ERROR_MS: String(config.staleIfErrorMs),
      PROMPTS_TABLE: config.aws.table,
      PROMPTS_LIMITS_TABLE: config.aws.limitsTable,
      PROMPTS_CONVERSATIONS_TABLE: config.aws.conversationsTable,
      PROMPTS_BUCKET: config.aws.bucket,
      PROMPTS_API_KEY_SECRET: config.aws.apiKeySecret,
      PROMPTS_JWT_SECRET_NAME: config.aws.jwtSecret,
      PROMPTS_S3_FORCE_PATH_STYLE: String(config.aws.forcePathStyle),
      PROMPTS_LLM: config.llm.provider,
      PROMPTS_LLM_TIMEOUT_MS: String(config.llm.timeoutMs),
      PROMPTS_EMF: String(config.emf),
    })
  })

  it.each([...pages])('%s names no other', (_, page) => {
    const named = [...page.matchAll(/\bPROMPTS_[A-Z0-9_]*[A-Z0-9]\b/g)].map(([name]) => name)
    // The variable of the example configuration, which its client fills in.
    expect(named.filter((name) => !names.includes(name) && name !== 'PROMPTS_API_KEY')).toEqual([])
  })
})

it('CONTRIBUTING.md names members that a record has', () => {
  const [record = ''] = source
    .filter(({ name }) => name === 'pipeline/operation.ts')
    .map(({ text }) => /interface Operation<[\s\S]*?\n}/.exec(text)?.[0] ?? '')
  const members = tableRows('CONTRIBUTING.md', 'member').flatMap(([member]) => codesIn(member))
  expect(members.filter((member) => !new RegExp(`^ {2}${member}\\?:`, 'm').test(record))).toEqual([])
})
