import { Aws } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { Deployment } from './deployment.ts'
import type { Figures } from './figures.ts'

const DOCUMENTS = 'https://github.com/purposepath/purposepath-prompts/blob/main/docs'

interface AlarmProps {
  summary: string
  severity: 'warning' | 'critical'
  metric: IMetric
  /** It fires above this, … */
  above: number
  /** … in so many periods of the metric, one after the other. */
  periods: number
  /** What to do, a section of a document. */
  section?: string
}

/** The alarms of deploy/prometheus/rules.yml, from CloudWatch's figures, and one for what only AWS runs. */
export class Alarms extends Construct {
  readonly all: Alarm[] = []
  /** Tells its subscribers when an alarm fires, and when it is over. */
  readonly topic: Topic
  readonly #stage: string

  constructor(scope: Construct, id: string, { stage, alarmEmail }: Deployment, figures: Figures) {
    super(scope, id)
    this.#stage = stage
    this.topic = new Topic(this, 'Topic', {
      topicName: `purposepath-prompts-alarms-${stage}`,
      enforceSSL: true,
    })
    // A topic with a policy of its own has lost the one that lets CloudWatch in.
    const ownAccount = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } }
    this.topic.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com', { conditions: ownAccount }))
    if (alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(alarmEmail))

    this.add('PromptsInvalidKeys', {
      summary: 'More than 10 requests a minute come with an API key that is not valid.',
      severity: 'warning',
      metric: figures.invalidKeys,
      above: 10,
      periods: 2,
    })
    this.add('PromptsRetrievalErrors', {
      summary: "More than 5 % of the retrievals fail by the server's fault.",
      severity: 'critical',
      metric: figures.retrievalErrorRatio,
      above: 0.05,
      periods: 5,
    })
    this.add('PromptsSlow', {
      summary: 'One in twenty calls takes longer than 500 ms.',
      severity: 'warning',
      metric: figures.latency,
      above: 500,
      periods: 5,
    })
    this.add('PromptsDynamoDbThrottled', {
      summary: 'DynamoDB throttles calls; edits and the change feed are late.',
      severity: 'warning',
      metric: figures.sum('prompts_aws_throttled_total', { service: 'dynamodb' }),
      above: 1,
      periods: 5,
    })
    this.add('PromptsNotFresh', {
      summary: 'An instance has not looked at its store for more than 10 seconds: edits are not seen.',
      severity: 'warning',
      metric: figures.most('prompts_store_read_age_seconds'),
      above: 10,
      periods: 1,
    })
    this.add('PromptsStale', {
      summary:
        'An instance serves old prompts, because its store is out of reach; it stops after PROMPTS_STALE_IF_ERROR_MS.',
      severity: 'critical',
      metric: figures.most('prompts_stale_seconds'),
      above: 120,
      periods: 1,
    })
    this.add('PromptsInvalidTopics', {
      summary: 'Topics are not served, because their record or texts are not valid.',
      severity: 'warning',
      metric: figures.most('prompts_topics_invalid'),
      above: 0,
      periods: 10,
    })
    this.add('PromptsModelQueue', {
      summary: 'An instance has more than 32 calls waiting for a model; beyond 64 they are refused.',
      severity: 'warning',
      metric: figures.most('prompts_model_calls_waiting'),
      above: 32,
      periods: 2,
    })
    this.add('PromptsRotationFails', {
      summary: 'The rotation of the API key has failed in the last 24 hours; the key before stays valid.',
      severity: 'warning',
      metric: figures.rotationErrors,
      above: 0,
      periods: 1,
      section: 'operations.md#rotate',
    })
  }

  add(name: string, { summary, severity, metric, above, periods, section }: AlarmProps): Alarm {
    const alarm = new Alarm(this, name, {
      alarmName: this.nameOf(name),
      alarmDescription: `${summary} (${severity}) ${DOCUMENTS}/${section ?? `runbook.md#${name.toLowerCase()}`}`,
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      // Counters that stand still are not written, and a Web Function without requests has no instance.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    alarm.addOkAction(new SnsAction(this.topic))
    this.all.push(alarm)
    return alarm
  }

  /** What CloudWatch calls an alarm. */
  nameOf(name: string): string {
    return `${name}-${this.#stage}`
  }
}
