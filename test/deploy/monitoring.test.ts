import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { prometheusMetrics } from '../../src/adapters/telemetry/prometheus.ts'
import { codesIn, pages, tableRows } from '../docs/pages.ts'
import { tempFolder } from '../helpers/folders.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'

const RULES = 'deploy/prometheus/rules.yml'
const rules = readFileSync(join(PACKAGE_ROOT, RULES), 'utf8')
const dashboard = readFileSync(join(PACKAGE_ROOT, 'deploy/grafana/dashboard.json'), 'utf8')
/** Every number that `/metrics` has, by name. */
let exported: Set<string>
beforeAll(async () => {
  const text = await prometheusMetrics({ provider: 'none' }).expose()
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  exported = new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
})

/** Names of metrics in a query, without those that recording rules make. */
function metricsIn(query: string): string[] {
  const withoutLabels = query.replace(/\{[^}]*\}|"[^"]*"|\bby \([^)]*\)|\[[^\]]*\]/g, ' ')
  return [...withoutLabels.matchAll(/(?<![\w:])[a-z]+_[a-z_0-9]+(?![\w:(]| \()/g)].map(([name]) => name)
}

/** Runs Prometheus' own tool. Without it the test is skipped; in CI it fails. */
async function promtool(context: TestContext, ...words: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('promtool', words, { cwd: PACKAGE_ROOT })
    return stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const missing = 'needs promtool: apt-get install prometheus'
    return process.env['CI'] ? expect.fail(missing) : context.skip(missing)
  }
}

describe('the alarms', () => {
  const alerts = rules
    .split(/^ {6}- /m)
    .filter((rule) => rule.startsWith('alert: '))
    .map((rule) => ({ rule, name: /alert: (\w+)/.exec(rule)?.[1] ?? '' }))

  it('are rules that Prometheus takes', async (context) => {
    expect(await promtool(context, 'check', 'rules', RULES)).toContain('11 rules found')
  })

  it('fire when they should, and only then', async (context) => {
    const told = await promtool(context, 'test', 'rules', 'deploy/prometheus/rules.test.yml')
    expect(told).toContain('SUCCESS')
  })

  it('each is tested, says how bad it is and what to do', () => {
    const tests = readFileSync(join(PACKAGE_ROOT, 'deploy/prometheus/rules.test.yml'), 'utf8')
    const runbook = pages.get('docs/runbook.md') ?? ''
    const sections = [...runbook.matchAll(/^## (Prompts\w+)$/gm)].map(([, name]) => name)
    expect(sections).toEqual(alerts.map(({ name }) => name))
    for (const { rule, name } of alerts) {
      expect(rule).toMatch(/^ {8}for: \d+m$/m)
      expect(rule).toMatch(/severity: (warning|critical)/)
      expect(rule).toMatch(/^ {10}summary: \S/m)
      expect(rule).toContain(`/docs/runbook.md#${name.toLowerCase()}\n`)
      expect(tests).toContain(`alertname: ${name}\n        exp_alerts:`)
    }
  })

  it('know every retrieval', () => {
    const [, pattern = ''] = /operation=~"([^"]+)"/.exec(rules) ?? []
    const events = tableRows('docs/audit.md', 'event').flatMap(([event]) => codesIn(event))
    expect(events.filter((name) => new RegExp(`^(${pattern})$`).test(name)).sort()).toEqual([
      ...['mcp.prompts.get', 'mcp.resources.read', 'mcp.skills.read'],
      ...['prompts.batch', 'prompts.fetch', 'prompts.render'],
    ])
  })

  it('name metrics that are exported', () => {
    const named = [...rules.matchAll(/expr: (?:\|\n)?([\s\S]*?)(?=\n {8}for|\n {6}- |\n\n)/g)].flatMap(
      ([, query = '']) => metricsIn(query),
    )
    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((name) => !exported.has(name))).toEqual([])
  })
})

describe('the dashboard', () => {
  const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets: { expr: string }[] }[] }
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

  it('asks for nothing that is not exported', () => {
    const named = queries.flatMap(metricsIn)
    expect(named.length).toBeGreaterThanOrEqual(queries.length - 1)
    expect(named.filter((name) => !exported.has(name))).toEqual([])
    const recorded = [...rules.matchAll(/record: (\S+)/g)].map(([, name]) => name)
    const rates = queries.flatMap((query) => query.match(/\bjob\w*:[\w:]+/g) ?? [])
    expect(rates.filter((name) => !recorded.includes(name))).toEqual([])
  })

  it('shows every metric of our own', () => {
    const shown = new Set(queries.flatMap(metricsIn).map((name) => name.replace(/_(bucket|sum|count)$/, '')))
    const ours = [...exported].filter((name) => /^(prompts|mcp|gen_ai)_/.test(name))
    const names = new Set(ours.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
    expect([...names].filter((name) => !shown.has(name))).toEqual([])
  })

  it('has queries that Prometheus can read', async (context) => {
    const file = join(await tempFolder(), 'queries.yml')
    const asRules = queries.map((query, index) => {
      const plain = query.replaceAll('$__rate_interval', '5m')
      return { record: `query:number_${index}`, expr: plain }
    })
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }))
    expect(await promtool(context, 'check', 'rules', file)).toContain(`${queries.length} rules found`)
  })
})
