import { CfnOutput } from 'aws-cdk-lib'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { Alarms } from './alarms.ts'
import { dashboard } from './dashboard.ts'
import type { Deployment } from './deployment.ts'
import { Figures } from './figures.ts'

/** Alarms and dashboard of a service. */
export function monitoring(scope: Construct, deployment: Deployment, log: LogGroup): Alarms {
  const { stage } = deployment
  const figures = new Figures(scope, 'Figures', { stage, log })
  const alarms = new Alarms(scope, 'Alarms', deployment, figures)
  dashboard(scope, 'Dashboard', stage, alarms, figures)
  new CfnOutput(scope, 'AlarmTopic', { value: alarms.topic.topicArn })
  return alarms
}
