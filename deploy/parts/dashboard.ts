import { Duration } from 'aws-cdk-lib'
import { AlarmStatusWidget, Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { Alarms } from './alarms.ts'
import type { Figures } from './figures.ts'

const WIDTH = 24

/** What an operator looks at first; Logs Insights has the rest. */
export function dashboard(
  scope: Construct,
  id: string,
  stage: string,
  alarms: Alarms,
  figures: Figures,
): Dashboard {
  const graph = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width: WIDTH / 2 })
  const sum = figures.sum.bind(figures)
  const most = figures.most.bind(figures)
  const keys = (outcome: string) =>
    sum('prompts_authentications_total', { credential: 'key', outcome }).with({ label: outcome })
  return new Dashboard(scope, id, {
    dashboardName: `purposepath-prompts-${stage}`,
    defaultInterval: Duration.hours(3),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: WIDTH })],
      [
        graph('Retrievals a minute', figures.retrievals, figures.retrievalErrors),
        graph('Latency without models, 95th percentile, ms', figures.latency),
      ],
      [
        graph('Operations a minute', sum('prompts_operations_total'), sum('prompts_refused_requests_total')),
        graph('API keys a minute, by outcome', keys('ok'), keys('unauthenticated'), keys('rate_limited')),
      ],
      [
        graph(
          'Age of what is served, s',
          most('prompts_store_read_age_seconds'),
          most('prompts_stale_seconds'),
        ),
        graph('Topics', most('prompts_topics'), most('prompts_topics_invalid')),
      ],
      [
        graph(
          'Throttled attempts a minute',
          ...['dynamodb', 's3', 'secretsmanager'].map((service) =>
            sum('prompts_aws_throttled_total', { service }).with({ label: service }),
          ),
        ),
        graph(
          'Texts from memory and from S3',
          sum('prompts_text_cache_hits_total'),
          sum('prompts_text_cache_misses_total'),
        ),
      ],
      [
        graph('Calls of models', most('prompts_model_calls_running'), most('prompts_model_calls_waiting')),
        graph(
          'Tokens of models a minute',
          sum('gen_ai_client_inference_usage_input_tokens_total'),
          sum('gen_ai_client_inference_usage_output_tokens_total'),
        ),
      ],
    ],
  })
}
