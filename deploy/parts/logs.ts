import { RemovalPolicy } from 'aws-cdk-lib'
import { ManagedPolicy, type Role } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct, IConstruct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** Logs are kept a year, like earlier versions of texts, also when the stack is gone. */
export function logGroup(scope: Construct, id: string, logGroupName: string): LogGroup {
  return new LogGroup(scope, id, {
    logGroupName,
    retention: RetentionDays.ONE_YEAR,
    removalPolicy: RemovalPolicy.RETAIN,
  })
}

const LAMBDA_LOGS = 'service-role/AWSLambdaBasicExecutionRole'

/** Lets a function of Lambda write its logs. */
export function mayWriteLogs(role: Role): void {
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(LAMBDA_LOGS))
  acknowledgeLambdaLogs(role)
}

export function acknowledgeLambdaLogs(construct: IConstruct): void {
  acknowledge(construct, {
    [`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${LAMBDA_LOGS}]`]:
      'It writes logs and nothing else, and is the policy that AWS names for this.',
  })
}
