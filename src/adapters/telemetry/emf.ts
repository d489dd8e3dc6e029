import type { LogStream } from './log.ts'
import type { Metrics, Sample } from './prometheus.ts'

const PERIOD_MS = 60_000
/** Where CloudWatch shows the metrics. */
export const NAMESPACE = 'PurposePathPrompts'
/**
 * Labels that become dimensions. CloudWatch charges for every combination, so that those with many values stay members
 * of the line: Logs Insights finds them there.
 */
const DIMENSIONS = new Set(['outcome', 'credential', 'service'])

/** Writes the metrics as log lines of which CloudWatch makes metrics, once a minute. */
export interface EmfWriter {
  /** Writes what has happened since the last lines. */
  write(): Promise<void>
  /** Ends the writing, with a last {@link write}. */
  close(): Promise<void>
}

/**
 * Metrics in CloudWatch's embedded metric format, for logs that go there. Counters are what was added since the last
 * lines, gauges what they are; of a histogram there are count and sum.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 *
 * @param stage the dimension that all metrics have.
 * @example
 * const emf = writeEmf(metrics, { stage: 'prod', stream })
 * await emf.close()
 */
export function writeEmf(
  { samples }: Pick<Metrics, 'samples'>,
  { stage, stream }: { stage: string; stream: LogStream },
): EmfWriter {
  const before = new Map<string, number>()

  async function write(): Promise<void> {
    const Timestamp = Date.now()
    const groups = new Map<string, { labels: Sample['labels']; values: Record<string, number> }>()
    for (const sample of await samples()) {
      const value = sinceBefore(sample, before)
      if (value === undefined) continue
      const { name, labels } = sample
      const group = groups.get(JSON.stringify(labels)) ?? { labels, values: {} }
      group.values[name] = value
      groups.set(JSON.stringify(labels), group)
    }
    for (const { labels, values } of groups.values()) {
      stream.write(`${emfLine(labels, values, { stage, Timestamp })}\n`)
    }
  }

  const timer = setInterval(write, PERIOD_MS).unref()
  return {
    write,
    async close() {
      clearInterval(timer)
      await write()
    },
  }
}

/** @returns `undefined` for what needs no line: counters that stand still, and buckets. */
function sinceBefore({ name, kind, labels, value }: Sample, before: Map<string, number>): number | undefined {
  if (kind === 'gauge') return value
  if (name.endsWith('_bucket')) return undefined
  const key = name + JSON.stringify(labels)
  const added = value - (before.get(key) ?? 0)
  before.set(key, value)
  return added === 0 ? undefined : added
}

/** Everything that has the same labels is one line. */
function emfLine(
  labels: Sample['labels'],
  values: Readonly<Record<string, number>>,
  { stage, Timestamp }: { stage: string; Timestamp: number },
): string {
  const named = Object.keys(labels).filter((label) => DIMENSIONS.has(label))
  const Dimensions = [['stage'], ...(named.length > 0 ? [['stage', ...named]] : [])]
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: unitOf(Name) }))
  const _aws = { Timestamp, CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions, Metrics }] }
  return JSON.stringify({ _aws, stage, ...labels, ...values })
}

function unitOf(name: string): 'Bytes' | 'Count' | 'Seconds' {
  if (name.endsWith('_bytes')) return 'Bytes'
  return /_seconds(_sum)?$/.test(name) ? 'Seconds' : 'Count'
}
