import { join } from 'node:path'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { CfnRotationSchedule, Secret, type SecretStringGenerator } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import type { Deployment } from './deployment.ts'
import { logGroup, mayWriteLogs } from './logs.ts'
import { PACKAGE_ROOT } from './package-root.ts'
import { allow } from './policies.ts'

const ROTATION_DAYS = 90

/** 192 random bits in hexadecimal, as the program makes them. The rotation that follows at once gives the key its prefix. */
const FIRST_KEY: SecretStringGenerator = {
  secretStringTemplate: JSON.stringify({
    description: 'API keys of the services that call purposepath-prompts',
    version: 1,
    rotation_schedule: `${ROTATION_DAYS} days`,
  }),
  generateStringKey: 'api_key',
  passwordLength: 48,
  excludeUppercase: true,
  excludePunctuation: true,
  excludeCharacters: 'ghijklmnopqrstuvwxyz',
  requireEachIncludedType: false,
}

/** By it the alarms of the other stack find what the function counts. */
export const rotationName = (stage: string) => `purposepath-prompts-rotation-${stage}`

/** The secrets, and what rotates the API key every 90 days. */
export class Secrets extends Construct {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id)
    const { apiKeySecret, jwtSecret } = deployment.config.aws
    const keys = new Secret(this, 'ApiKeys', {
      secretName: apiKeySecret,
      description: 'API keys of the services that call purposepath-prompts',
      generateSecretString: FIRST_KEY,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    const tokens = new Secret(this, 'Tokens', {
      secretName: jwtSecret,
      description: 'What purposepath-prompts signs its own tokens and sessions with',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    })
    acknowledge(tokens, {
      'AwsSolutions-SMG4': 'A new value ends every session at once, so an operator chooses when.',
    })
    const rotation = this.rotation(deployment)
    rotation.addPermission('SecretsManager', {
      principal: new ServicePrincipal('secretsmanager.amazonaws.com'),
      sourceArn: keys.secretArn,
    })
    // Not `keys.addRotationSchedule`, which would add permissions of its own choice.
    const schedule = new CfnRotationSchedule(this, 'Every90Days', {
      secretId: keys.secretArn,
      rotationLambdaArn: rotation.functionArn,
      rotationRules: { automaticallyAfterDays: ROTATION_DAYS },
    })
    schedule.node.addDependency(rotation)
  }

  private rotation(deployment: Deployment): LambdaFunction {
    const logs = logGroup(this, 'RotationLogs', `/purposepath-prompts/${deployment.stage}/rotation`)
    const role = new Role(this, 'RotationRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    mayWriteLogs(role)
    allow(role, 'iam-policy-provision.json', deployment, ['ApiKeys'])
    return new LambdaFunction(this, 'Rotation', {
      functionName: rotationName(deployment.stage),
      description: 'Rotates the API key of purposepath-prompts',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'rotation-lambda.handler',
      code: Code.fromAsset(join(PACKAGE_ROOT, 'dist'), { exclude: ['*', '!rotation-lambda.mjs'] }),
      environment: { STAGE: deployment.stage },
      memorySize: 256,
      // The last step waits until every instance knows the new key.
      timeout: Duration.minutes(2),
      logGroup: logs,
      role,
    })
  }
}
