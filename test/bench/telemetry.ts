import { setTimeout as sleep } from 'node:timers/promises'
import { writeEmf } from '../../src/adapters/telemetry/emf.ts'
import { prometheusMetrics } from '../../src/adapters/telemetry/prometheus.ts'
import { callEvent } from '../helpers/call-events.ts'
import { type Environment, PROGRAM } from '../helpers/program.ts'
import { startOtlp } from '../stand-ins/otlp.ts'
import { median, print, ratio } from './figures.ts'
import { fire, keyHeader, topicShot } from './load.ts'
import { type Product, type Starter, startSubject, times } from './processes.ts'

/** With traces, and without: no two starts of the same program are equally fast, for as long as they run. */
const INSTANCES = 5
/** Of each instance, and before them as many to warm up. */
const ROUNDS = 250
/** So few that no instance pauses for long: code that V8 has thrown away would be most of what is measured. */
const REQUESTS = 40
const CONNECTIONS = 8
/** Until the last spans have been delivered. */
const DELIVERED_MS = 1_200
const STARTS = 8
const EVENTS = 300_000
const EMF_LINES = 50
/** The load on which EMF's lines may weigh a twentieth. */
const SLOW_RATE = 10

/** What metrics, EMF and traces cost a `GET` of a topic, the cheapest of all requests, and a start. */
export async function printTelemetry(
  { startProduct }: Starter,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<void> {
  const collector = await startOtlp()
  atEnd(() => collector.stop())
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  // In turn, because a program that was started later is still slower.
  const pairs = await times(INSTANCES, async () => [
    await startProduct(1_000),
    await startProduct(1_000, traces),
  ])
  const [off, traced] = [0, 1].map((kind) => pairs.map((pair) => pair[kind] as Product)) as [
    Product[],
    Product[],
  ]

  const [plain = [], withTraces = []] = await requestSeconds(off, traced)
  const request = median(plain)
  print('metrics, EMF and traces, on a GET of a topic by key')
  print(`  CPU, 3 % of the calls traced ÷ none            ${ratio(withTraces, plain)}   (must ≤ 1.05)`)
  const counting = (secondsOfCounting() / request) * 100
  print(`  CPU of counting and timing, of a request's       ${counting.toFixed(1)} %   (must ≤ 5)`)
  const lines = ((await secondsOfLines()) / (request * SLOW_RATE * 60)) * 100
  print(`  CPU of EMF, of ${SLOW_RATE} requests a second              ${lines.toFixed(1)} %   (must ≤ 5)`)

  const { settings } = off[0] as Product
  const starts = await startSeconds([{}, { PROMPTS_EMF: 'true' }, traces], settings)
  const [without, emf, tracing] = starts.map((seconds) => `${(median(seconds) * 1000).toFixed(0)} ms`)
  print(
    `  CPU of a start with 1,000 topics               ${without}; with EMF ${emf}, with traces ${tracing}`,
  )
}

/**
 * CPU seconds a request of each instance without and with traces, in short turns, over all of the time: spans are
 * delivered when others have their turn.
 */
async function requestSeconds(off: readonly Product[], traced: readonly Product[]): Promise<number[][]> {
  const kinds = [off, traced]
  const spent = () => [off, traced].map((products) => products.map(({ subject }) => subject.cpuSeconds()))
  let before: number[][] = []
  for (let round = 0; round < 2 * ROUNDS; round++) {
    if (round === ROUNDS) before = spent()
    for (let instance = 0; instance < INSTANCES; instance++) {
      // Nobody is always first.
      kinds.reverse()
      for (const products of kinds) {
        const { subject, key } = products[instance] as Product
        await fire([topicShot(subject.url, keyHeader(key))], REQUESTS, CONNECTIONS)
      }
    }
  }
  await sleep(DELIVERED_MS)
  const after = spent()
  return after.map((seconds, kind) =>
    seconds.map((value, instance) => (value - (before[kind]?.[instance] ?? 0)) / (ROUNDS * REQUESTS)),
  )
}

/** CPU seconds that the metrics take for one call, once all code has been compiled. */
function secondsOfCounting(): number {
  const { observe } = prometheusMetrics({ provider: 'none' })
  const run = () => {
    for (let index = 0; index < EVENTS; index++) observe(callEvent({ served: [`topic_${index % 1_000}`] }))
  }
  run()
  return ownSeconds(run) / EVENTS
}

/** CPU seconds that EMF's lines of one minute take. */
async function secondsOfLines(): Promise<number> {
  const metrics = prometheusMetrics({ provider: 'none' })
  const emf = writeEmf(metrics, { stage: 'bench', stream: { write: () => {} } })
  const before = process.cpuUsage()
  for (let minute = 0; minute < EMF_LINES; minute++) {
    for (let topic = 0; topic < 200; topic++) metrics.observe(callEvent({ served: [`topic_${topic}`] }))
    await emf.write()
  }
  const { user, system } = process.cpuUsage(before)
  await emf.close()
  return (user + system) / 1e6 / EMF_LINES
}

function ownSeconds(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** CPU seconds of starts until the server listens, with each of these settings in turn. */
async function startSeconds(kinds: readonly Environment[], settings: Environment): Promise<number[][]> {
  const seconds = kinds.map(() => [] as number[])
  for (let start = 0; start < STARTS; start++) {
    for (const [kind, more] of kinds.entries()) {
      const subject = await startSubject('start', [PROGRAM, 'serve'], { ...settings, ...more })
      seconds[kind]?.push(subject.cpuSeconds())
      await subject.stop()
    }
  }
  return seconds
}
