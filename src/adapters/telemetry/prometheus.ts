import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, collectDefaultMetrics, Registry } from 'prom-client'
import { type Figures, type Observer, observers } from '../../domain/telemetry.ts'
import { callMetrics } from './call-metrics.ts'
import { conventionMetrics } from './convention-metrics.ts'
import { figureMetrics } from './figure-metrics.ts'

/** Until the event loop's delays have been measured a few times. */
const FIRST_DELAYS_MS = 50

/** One number of a metric, with its labels. A histogram has its `…_count`, its `…_sum` and its buckets. */
export interface Sample {
  name: string
  kind: 'counter' | 'gauge'
  labels: Readonly<Record<string, string | number>>
  value: number
}

/** Everything that is counted and timed, once. */
export interface Metrics {
  observe: Observer
  /** Counts a call that AWS has throttled. @param service for example `dynamodb`. */
  throttled(service: string): void
  /** Tells where the figures are, as soon as there are any. */
  watch(read: () => Figures): void
  /** Type of {@link expose}. */
  contentType: string
  /** All metrics in Prometheus' text format, with those of the process. */
  expose(): Promise<string>
  /** The numbers of our own metrics. */
  samples(): Promise<Sample[]>
}

/**
 * Counts and times for Prometheus; docs/metrics.md has the names. Those of the process itself begin when they are first
 * asked for: to measure the event loop's delays wakes the process a hundred times a second, a dozen times what it costs
 * when idle.
 *
 * @param options.provider of language models (PROMPTS_LLM).
 */
export function prometheusMetrics({ provider }: { provider: string }): Metrics {
  const own = new Registry()
  const ofProcess = new Registry()
  let read: (() => Figures) | undefined
  let begun: Promise<void> | undefined
  const begin = async () => {
    collectDefaultMetrics({ register: ofProcess })
    await sleep(FIRST_DELAYS_MS)
  }
  const observe = observers([callMetrics(own), conventionMetrics(own, provider)])
  figureMetrics(own, () => read?.())
  const throttles = new Counter({
    name: 'prompts_aws_throttled_total',
    help: 'Calls that AWS has throttled, by service; each is tried again while there is time.',
    labelNames: ['service'],
    registers: [own],
  })
  for (const service of ['dynamodb', 's3', 'secretsmanager']) throttles.inc({ service }, 0)

  return {
    observe,
    throttled: (service) => throttles.inc({ service }),
    watch(figures) {
      read = figures
    },
    contentType: own.contentType,
    async expose() {
      begun ??= begin()
      await begun
      return `${await own.metrics()}\n${await ofProcess.metrics()}`
    },
    async samples() {
      const metrics = (await own.getMetricsAsJSON()) as unknown as JsonMetric[]
      return metrics.flatMap(({ name, type, values }) =>
        values.map(({ metricName = name, labels, value }) => {
          const kind = type === 'gauge' ? ('gauge' as const) : ('counter' as const)
          return { name: metricName, kind, labels, value }
        }),
      )
    },
  }
}

/** What prom-client answers; its types leave `metricName` out. */
interface JsonMetric {
  name: string
  type: string
  values: { metricName?: string; labels: Sample['labels']; value: number }[]
}
