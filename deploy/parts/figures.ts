import { Duration } from 'aws-cdk-lib'
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { FilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { NAMESPACE } from '../../src/adapters/telemetry/emf.ts'
import { rotationName } from './secrets.ts'

const period = Duration.minutes(1)

/** Operations that serve prompts, as the alarms for Prometheus count them. */
const RETRIEVALS = [
  ...['prompts.fetch', 'prompts.batch', 'prompts.render'],
  ...['mcp.prompts.get', 'mcp.resources.read', 'mcp.skills.read'],
]
const SERVER_FAULTS = ['unavailable', 'internal']
/** Operations that wait for a model, and credentials, which are no operations. */
const NOT_TIMED = [
  ...['prompts.analyze', 'prompts.run', 'conversations.start', 'conversations.say'],
  ...['authenticate', 'request'],
]

/** What CloudWatch knows of one stage. Counts are for a minute; of gauges it is the instance that has most. */
export class Figures extends Construct {
  readonly retrievals: IMetric
  readonly retrievalErrors: IMetric
  /** Of every operation but those that wait for a model, in milliseconds, the 95th percentile. */
  readonly latency: IMetric
  readonly #stage: string

  /** @param log where the program's lines are. */
  constructor(scope: Construct, id: string, { stage, log }: { stage: string; log: LogGroup }) {
    super(scope, id)
    this.#stage = stage
    // Operations are no dimension of the metrics, which would cost money for each: these come from members of the lines.
    const served = `(${oneOf('operation', RETRIEVALS)}) && $.prompts_operations_total > 0`
    const failed = `${served} && (${oneOf('outcome', SERVER_FAULTS)})`
    this.retrievals = this.#counted(log, 'retrievals', served, '$.prompts_operations_total').with({
      statistic: 'Sum',
    })
    this.retrievalErrors = this.#counted(log, 'retrieval_errors', failed, '$.prompts_operations_total').with({
      statistic: 'Sum',
    })
    const timed = `$.kind = "audit" && ${NOT_TIMED.map((name) => `$.event != "${name}"`).join(' && ')}`
    this.latency = this.#counted(log, 'operation_milliseconds', timed, '$.duration_ms').with({
      statistic: 'p95',
    })
  }

  /** A number that the program writes itself. */
  sum(metricName: string, labels: Record<string, string> = {}): Metric {
    return this.#written(metricName, labels, 'Sum')
  }

  most(metricName: string): Metric {
    return this.#written(metricName, {}, 'Maximum')
  }

  /** Keys that were presented and are not valid. */
  get invalidKeys(): IMetric {
    const keys = (outcome: string) =>
      this.sum('prompts_authentications_total', { credential: 'key', outcome })
    const usingMetrics = { unknown: keys('unauthenticated'), limited: keys('rate_limited') }
    return new MathExpression({ expression: 'FILL(unknown, 0) + FILL(limited, 0)', usingMetrics, period })
  }

  /** From 0 to 1. */
  get retrievalErrorRatio(): IMetric {
    const usingMetrics = { errors: this.retrievalErrors, all: this.retrievals }
    return new MathExpression({ expression: 'errors / all', usingMetrics, period })
  }

  /**
   * Errors of the function that rotates the API key, in a day: in shorter periods an alarm would be over while Secrets
   * Manager only waits before it tries again.
   */
  get rotationErrors(): IMetric {
    return new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensionsMap: { FunctionName: rotationName(this.#stage) },
      statistic: 'Sum',
      period: Duration.days(1),
    })
  }

  #written(metricName: string, labels: Record<string, string>, statistic: string): Metric {
    const dimensionsMap = { stage: this.#stage, ...labels }
    return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic, period })
  }

  #counted(logGroup: LogGroup, metricName: string, pattern: string, metricValue: string): Metric {
    const filter = new MetricFilter(this, metricName, {
      logGroup,
      filterPattern: FilterPattern.literal(`{ ${pattern} }`),
      metricNamespace: `${NAMESPACE}/${this.#stage}`,
      metricName,
      metricValue,
    })
    return filter.metric({ period })
  }
}

const oneOf = (member: string, values: readonly string[]) =>
  values.map((value) => `$.${member} = "${value}"`).join(' || ')
