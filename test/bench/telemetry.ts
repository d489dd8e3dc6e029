import { prometheusMetrics } from '../../src/adapters/telemetry/prometheus.ts'
import { callEvent } from '../helpers/call-events.ts'
import { type Environment, PROGRAM } from '../helpers/program.ts'
import { startOtlp } from '../stand-ins/otlp.ts'
import { cpuPerRequest, median, print } from './figures.ts'
import { keyHeader, topicShot } from './load.ts'
import { type Product, type Starter, startSubject, times } from './processes.ts'

/** Of each kind: no two starts of the same program are equally fast, for as long as they run. */
const INSTANCES = 4
const LOAD = { requests: 500, rounds: 15 }
const STARTS = 8
const EVENTS = 300_000

/** What metrics, EMF and traces cost a `GET` of a topic, the cheapest of all requests, and a start. */
export async function printTelemetry(
  { startProduct }: Starter,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<void> {
  const collector = await startOtlp()
  atEnd(() => collector.stop())
  const kinds: Record<string, Environment> = {
    off: {},
    EMF: { PROMPTS_EMF: 'true' },
    traces: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  }
  const products: Product[][] = []
  for (const settings of Object.values(kinds)) {
    products.push(await times(INSTANCES, () => startProduct(1_000, settings)))
  }
  const spent = () => products.map((kind) => kind.reduce((sum, { subject }) => sum + subject.cpuSeconds(), 0))

  const before = spent()
  const [plain = []] = await cpuPerRequest(
    products.map((kind) => kind.map(({ subject, key }) => [subject, topicShot(subject.url, keyHeader(key))])),
    LOAD,
  )
  // All that they have spent: lines and spans leave between the requests.
  const [off = 0, emf = 0, traces = 0] = spent().map((seconds, kind) => seconds - (before[kind] as number))
  print('metrics, EMF and traces, on a GET of a topic by key')
  print(`  CPU, with EMF ÷ without                        ${(emf / off).toFixed(3)}   (must ≤ 1.05)`)
  print(`  CPU, a tenth of the calls traced ÷ none        ${(traces / off).toFixed(3)}   (must ≤ 1.05)`)
  const share = (secondsOfMetrics() / median(plain)) * 100
  print(`  CPU of counting and timing, of a request's     ${share.toFixed(1)} %   (must ≤ 5)`)

  const [{ settings }] = products[0] as [Product]
  const starts = await startSeconds(kinds, settings)
  const milliseconds = (name: string) => `${(median(starts[name] as number[]) * 1000).toFixed(0)} ms`
  const each = Object.keys(kinds).map((name) => `${name} ${milliseconds(name)}`)
  print(`  CPU of a start with 1,000 topics               ${each.join(', ')}`)
}

/** CPU seconds that the metrics take for one call, once all code has been compiled. */
function secondsOfMetrics(): number {
  const { observe } = prometheusMetrics({ provider: 'none' })
  const events = Array.from({ length: 1_000 }, (_, index) => callEvent({ served: [`topic_${index}`] }))
  const run = () => {
    for (let index = 0; index < EVENTS; index++) observe(events[index % events.length] as (typeof events)[0])
  }
  run()
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6 / EVENTS
}

/** CPU seconds of starts until the server listens, of each kind one after the other. */
async function startSeconds(
  kinds: Record<string, Environment>,
  settings: Environment,
): Promise<Record<string, number[]>> {
  const seconds = Object.fromEntries(Object.keys(kinds).map((name) => [name, [] as number[]]))
  for (let round = 0; round < STARTS; round++) {
    for (const [name, more] of Object.entries(kinds)) {
      const subject = await startSubject(name, [PROGRAM, 'serve'], { ...settings, ...more })
      seconds[name]?.push(subject.cpuSeconds())
      await subject.stop()
    }
  }
  return seconds
}
