import { CfnOutput, Duration, Stack } from 'aws-cdk-lib'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { Platform } from 'aws-cdk-lib/aws-ecr-assets'
import {
  AlarmBehavior,
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateTaskDefinition,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs'
import { ApplicationLoadBalancedFargateService } from 'aws-cdk-lib/aws-ecs-patterns'
import { ApplicationProtocol, SslPolicy } from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { acknowledge } from '../parts/acknowledge.ts'
import type { Deployment } from '../parts/deployment.ts'
import { logGroup } from '../parts/logs.ts'
import { monitoring } from '../parts/monitoring.ts'
import { network } from '../parts/network.ts'
import { PACKAGE_ROOT } from '../parts/package-root.ts'
import { allow } from '../parts/policies.ts'

/** Where the image listens. */
const PORT = 3000
const TASKS = { least: 2, most: 10 }

/** The service as containers of Fargate behind a balancer: at least two, in two zones. */
export class FargateStack extends Stack {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    const { stage, config, certificateArn = '' } = deployment
    super(scope, id, { description: `purposepath-prompts, stage ${stage}: Fargate` })
    const log = logGroup(this, 'Logs', `/purposepath-prompts/${stage}`)
    const alarms = monitoring(this, deployment, log)
    const cluster = new Cluster(this, 'Cluster', {
      vpc: network(this, 'Network', stage),
      containerInsightsV2: ContainerInsights.ENABLED,
    })
    const { service, targetGroup, loadBalancer } = new ApplicationLoadBalancedFargateService(
      this,
      'Service',
      {
        cluster,
        taskDefinition: this.task(deployment, log),
        desiredCount: TASKS.least,
        minHealthyPercent: 100,
        certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
        protocol: ApplicationProtocol.HTTPS,
        targetProtocol: ApplicationProtocol.HTTP,
        sslPolicy: SslPolicy.RECOMMENDED_TLS,
        circuitBreaker: { rollback: true },
        healthCheckGracePeriod: Duration.seconds(30),
      },
    )
    loadBalancer.setAttribute('routing.http.drop_invalid_header_fields.enabled', 'true')
    acknowledge(loadBalancer, {
      'AwsSolutions-ELB2': "The program's audit log has every request with its caller.",
      'AwsSolutions-EC23': 'It is the public entrance: TLS on port 443 and nothing else.',
    })
    // The name as it is: a reference to the alarm would make a circle.
    const alarmNames = [alarms.nameOf('PromptsRetrievalErrors')]
    service.enableDeploymentAlarms(alarmNames, { behavior: AlarmBehavior.ROLLBACK_ON_ALARM })
    service.node.addDependency(alarms)

    // Ready is also an instance that serves what it knows, so that an outage of the store does not take all of them out.
    targetGroup.configureHealthCheck({
      path: '/readyz',
      interval: Duration.seconds(10),
      timeout: Duration.seconds(5),
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 3,
    })
    // The longest call may end before a task is told to stop: an analysis.
    const drainMs = config.llm.timeoutMs + 5_000
    targetGroup.setAttribute('deregistration_delay.timeout_seconds', String(Math.ceil(drainMs / 1000)))

    const scaling = service.autoScaleTaskCount({ minCapacity: TASKS.least, maxCapacity: TASKS.most })
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 })
    scaling.scaleOnRequestCount('Requests', { targetGroup, requestsPerTarget: 10_000 })
    new CfnOutput(this, 'Balancer', { value: loadBalancer.loadBalancerDnsName })
  }

  private task(deployment: Deployment, log: LogGroup): FargateTaskDefinition {
    const taskRole = new Role(this, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') })
    const task = new FargateTaskDefinition(this, 'Task', {
      taskRole,
      cpu: 512,
      memoryLimitMiB: 1024,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    })
    allow(taskRole, 'iam-policy.json', deployment)
    const { image, environment, config } = deployment
    task.addContainer('prompts', {
      image: image
        ? ContainerImage.fromRegistry(image)
        : ContainerImage.fromAsset(PACKAGE_ROOT, { platform: Platform.LINUX_ARM64 }),
      environment,
      logging: LogDrivers.awsLogs({ streamPrefix: 'prompts', logGroup: log }),
      portMappings: [{ containerPort: PORT }],
      readonlyRootFilesystem: true,
      // Longer than the program takes to stop.
      stopTimeout: Duration.millis(config.shutdown.mostMs + 5_000),
    })
    if (!image) {
      acknowledge(task.obtainExecutionRole(), {
        'AwsSolutions-IAM5[Resource::*]':
          'The token for the registry of images is one of the account: it has no resource.',
      })
    }
    acknowledge(task, {
      'AwsSolutions-ECS2':
        'The settings are no secrets: those are in Secrets Manager, which the program reads itself.',
    })
    return task
  }
}
