import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeEmf } from '../../src/adapters/telemetry/emf.ts'
import { prometheusMetrics } from '../../src/adapters/telemetry/prometheus.ts'
import { pages } from '../docs/pages.ts'
import { callEvent } from '../helpers/call-events.ts'
import { goldenTemplate, resourceOf, resourcesOf } from '../helpers/cdk.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'

interface Alarm {
  AlarmName: string
  AlarmDescription: string
  Threshold: number
  EvaluationPeriods: number
}

const template = goldenTemplate('web-function')
const alarms = resourcesOf<Alarm>(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties)
const rules = readFileSync(join(PACKAGE_ROOT, 'deploy/prometheus/rules.yml'), 'utf8')

/** `name dimension,dimension` of every metric that the program writes for CloudWatch. */
async function written(): Promise<Set<string>> {
  const metrics = prometheusMetrics({ provider: 'bedrock' })
  const lines: string[] = []
  const emf = writeEmf(metrics, { stage: 'dev', stream: { write: (line) => void lines.push(line) } })
  const figures = { topics: 1, invalidTopics: 0, textBytes: 1, textHits: 1, textMisses: 1, callsInFlight: 1 }
  const queues = { storeReadAgeMs: 1, staleMs: 0, modelCallsRunning: 1, modelCallsWaiting: 1 }
  metrics.watch(() => ({ ...figures, ...queues }))
  metrics.throttled('dynamodb')
  metrics.observe(callEvent())
  metrics.observe(callEvent({ kind: 'request', outcome: 'too_large' }))
  metrics.observe(callEvent({ kind: 'authentication', credential: 'key' }))
  await emf.close()
  return new Set(
    lines.flatMap((line) =>
      JSON.parse(line)._aws.CloudWatchMetrics.flatMap(({ Metrics, Dimensions }: EmfMetrics) =>
        Metrics.flatMap(({ Name }) => Dimensions.map((names) => `${Name} ${[...names].sort()}`)),
      ),
    ),
  )
}

interface EmfMetrics {
  Metrics: { Name: string }[]
  Dimensions: string[][]
}

const OURS = 'PurposePathPrompts'

/** The same for the metrics of the program in an alarm, which are one or several. */
function metricsIn({
  Metrics = [],
  ...alarm
}: Alarm & Partial<AlarmMetric> & { Metrics?: { MetricStat?: { Metric: AlarmMetric } }[] }) {
  const all = [alarm, ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])]
  return all
    .filter(({ Namespace }) => Namespace === OURS)
    .map(({ MetricName, Dimensions = [] }) => `${MetricName} ${Dimensions.map(({ Name }) => Name).sort()}`)
}

interface AlarmMetric {
  Namespace: string
  MetricName: string
  Dimensions: { Name: string }[]
}

describe('the alarms of CloudWatch', () => {
  it.each(
    [...rules.matchAll(/alert: (\w+)\n +expr: .*> ([\d.]+)\n +for: (\d+)m/g)].map((match) => match.slice(1)),
  )('has %s as Prometheus has it', (name, threshold, minutes) => {
    const alarm = alarms.find(({ AlarmName }) => AlarmName === `${name}-dev`)
    const unit = name === 'PromptsSlow' ? 1000 : 1
    expect(alarm).toMatchObject({ EvaluationPeriods: Number(minutes), Threshold: Number(threshold) * unit })
  })

  it('are all of them, one for the rotation of the key, and one that takes a revision back', () => {
    const names = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => `${name}-dev`)
    expect(names).toHaveLength(8)
    expect(alarms.map(({ AlarmName }) => AlarmName)).toEqual([
      ...names,
      'PromptsRotationFails-dev',
      'PromptsRevisionErrors-dev',
    ])
  })

  it('see a rotation that failed within the last day, by the function of the other stack', () => {
    type Named = { FunctionName: string; Description: string }
    const functions = resourcesOf<Named>(goldenTemplate('data'), 'AWS::Lambda::Function')
    const rotation = functions.find(({ Properties }) => Properties.Description.startsWith('Rotates'))
    expect(alarms.find(({ AlarmName }) => AlarmName === 'PromptsRotationFails-dev')).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [{ Name: 'FunctionName', Value: rotation?.Properties.FunctionName }],
      Period: 86_400,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    })
  })

  it('each say what is wrong, how bad that is, and where there is more', () => {
    for (const { AlarmDescription: text } of alarms) {
      const [, page = '', anchor] =
        /\((?:warning|critical)\) https:\S+\/(docs\/[\w-]+\.md)#([\w-]+)$/.exec(text) ?? []
      const headings = [...(pages.get(page) ?? '').matchAll(/^## (.+)$/gm)].map(([, heading = '']) =>
        heading.toLowerCase().replaceAll(' ', '-'),
      )
      expect(headings).toContain(anchor)
    }
  })

  it('name metrics that the program writes, in dimensions that it writes', async () => {
    const there = await written()
    const named = alarms.flatMap(metricsIn)
    expect(named).toHaveLength(7)
    expect(named.filter((metric) => !there.has(metric))).toEqual([])
  })

  it('count what the alarms of Prometheus count', () => {
    const [, retrievals = ''] = /operation=~"([^"]+)"/.exec(rules) ?? []
    const [, untimed = ''] = /operation!~"([^"]+)"/.exec(rules) ?? []
    const filters = resourcesOf<{ FilterPattern: string }>(template, 'AWS::Logs::MetricFilter')
    const [served = '', failed = '', timed = ''] = filters.map(({ Properties }) => Properties.FilterPattern)
    const valuesOf = (pattern: string, member: string) =>
      [...pattern.matchAll(new RegExp(`\\$\\.${member} !?= "([^"]+)"`, 'g'))].map(([, value = '']) => value)
    for (const pattern of [served, failed]) {
      const operations = valuesOf(pattern, 'operation')
      expect(operations).toHaveLength(6)
      expect(operations.filter((name) => !new RegExp(`^(${retrievals})$`).test(name))).toEqual([])
    }
    expect(valuesOf(failed, 'outcome')).toEqual(['unavailable', 'internal'])
    const left = valuesOf(timed, 'event').filter((name) => !new RegExp(`^(${untimed})$`).test(name))
    expect(left).toEqual(['authenticate', 'request'])
  })
})

it('the dashboard shows metrics that the program writes', async () => {
  const there = await written()
  type Body = { DashboardBody: { 'Fn::Join': [string, (string | object)[]] } }
  const { Properties } = resourceOf<Body>(template, 'AWS::CloudWatch::Dashboard')
  const text = Properties.DashboardBody['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : 'x'))
  const { widgets } = JSON.parse(text.join('')) as { widgets: { properties: { metrics?: unknown[][] } }[] }
  const named = widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .filter(([namespace]) => namespace === OURS)
    .map(([, name, ...more]) => {
      const dimensions = more.filter((one, index) => typeof one === 'string' && index % 2 === 0)
      return `${name} ${dimensions.sort()}`
    })
  expect(named.length).toBeGreaterThan(15)
  // Models' metrics are written when a model has answered.
  const missing = named.filter(
    (metric) => !there.has(metric) && !/^gen_ai_\w+_tokens_total stage$/.test(metric),
  )
  expect(missing).toEqual([])
})
