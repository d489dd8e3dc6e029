import {
  Annotations,
  CfnDeletionPolicy,
  CfnOutput,
  Duration,
  IgnoreMode,
  RemovalPolicy,
  Stack,
} from 'aws-cdk-lib'
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { WebFunction, WebFunctionAuthType, WebFunctionCode, WebFunctionRuntime } from 'aws-cdk-lib/aws-lambda'
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { acknowledge } from '../parts/acknowledge.ts'
import type { Deployment } from '../parts/deployment.ts'
import { acknowledgeLambdaLogs, logGroup, mayWriteLogs } from '../parts/logs.ts'
import { monitoring } from '../parts/monitoring.ts'
import { PACKAGE_ROOT } from '../parts/package-root.ts'
import { allow } from '../parts/policies.ts'

/** What of the package runs: no documents, no sources. */
const PROGRAM = ['*', '!package.json', '!dist', '!deploy/web-function.js']

/** The service as a Web Function of AWS Lambda: it scales with its requests, to nothing when there are none. */
export class WebFunctionStack extends Stack {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    const { stage, environment, publicUrl, canary } = deployment
    super(scope, id, { description: `purposepath-prompts, stage ${stage}: Web Function` })
    const log = logGroup(this, 'Logs', `/purposepath-prompts/${stage}`)
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    mayWriteLogs(role)
    allow(role, 'iam-policy.json', deployment)

    const webFunction = new WebFunction(this, 'WebFunction', {
      webFunctionName: `purposepath-prompts-${stage}`,
      runtime: WebFunctionRuntime.NODEJS_24_X,
      code: WebFunctionCode.fromAssetToProvidedBucket(this.codeBucket(), PACKAGE_ROOT, {
        exclude: PROGRAM,
        ignoreMode: IgnoreMode.DOCKER,
      }),
      entryPoint: 'deploy/web-function.js',
      environment,
      role,
      logGroup: log,
      // An analysis may take a minute; a stream of changes begins anew when it has ended.
      timeout: Duration.minutes(2),
      // API keys and tokens are the program's business.
      defaultEndpointAuth: WebFunctionAuthType.APPLICATION_MANAGED,
    })
    const { resourceRevision: revision, endpoint, revisionId } = webFunction
    // Earlier revisions stay, with their code: traffic can go back to them. Lambda keeps 50.
    revision.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN
    revision.cfnOptions.deletionPolicy = CfnDeletionPolicy.DELETE
    if (canary) {
      endpoint.resource.revisionWeights = [
        { revisionId, weight: canary.percent },
        { revisionId: canary.previousRevision, weight: 100 - canary.percent },
      ]
    }
    const alarms = monitoring(this, deployment, log)
    const errors = alarms.add('PromptsRevisionErrors', {
      summary:
        'More than 5 requests a minute end with a server error. During a deployment it takes the revision back.',
      severity: 'critical',
      metric: errorsOf(`purposepath-prompts-${stage}`),
      above: 5,
      periods: 1,
      section: 'operations.md#roll-back',
    })
    this.acknowledgeCopying()
    acknowledge(endpoint, {
      'Annotation::@aws-cdk/aws-lambda:webFunctionPublicEndpoint':
        'The program asks every caller for a key or a token.',
    })
    if (publicUrl === undefined) {
      const message =
        'The address is not known yet. Deploy once more with -c PROMPTS_PUBLIC_URL=, the output Url.'
      Annotations.of(this).addWarningV2('purposepath-prompts:public-url', message)
    }
    new CfnOutput(this, 'Url', { value: `https://${endpoint.domainName}` })
    new CfnOutput(this, 'Revision', { value: revisionId })
    new CfnOutput(this, 'RollbackAlarm', { value: errors.alarmArn })
  }

  /** CDK copies the code from its own bucket into this one, by a function that it brings. */
  private acknowledgeCopying(): void {
    const copying = this.node.children.find(({ node }) => node.id.startsWith('Custom::S3ObjectCopy'))
    if (!copying) throw new Error('CDK does not copy the code any more: what is acknowledged here has gone.')
    const reason = "CDK's own function: it reads CDK's bucket, and writes to the code's under one prefix."
    const code = `<${this.getLogicalId(this.node.findChild('Code').node.defaultChild as CfnBucket)}.Arn>`
    const assets = 'arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>'
    const findings = [
      'Action::s3:Abort*',
      'Action::s3:DeleteObject*',
      `Resource::${assets}/*`,
      `Resource::${code}/web-function/*`,
    ]
    for (const finding of findings) acknowledge(copying, { [`AwsSolutions-IAM5[${finding}]`]: reason })
    acknowledgeLambdaLogs(copying)
  }

  private codeBucket(): Bucket {
    const bucket = new Bucket(this, 'Code', {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    acknowledge(bucket, {
      'AwsSolutions-S1': 'It holds released code, which only deployments and Lambda read.',
    })
    return bucket
  }
}

/** Answers with a status of 500 and more, in a minute, those of Lambda itself too. A query finds them under any dimensions. */
function errorsOf(name: string): MathExpression {
  const expression = `SELECT SUM(HTTPResponseStatusClass5XX) FROM "AWS/Lambda/Web" WHERE FunctionName = '${name}'`
  return new MathExpression({ expression, period: Duration.minutes(1) })
}
