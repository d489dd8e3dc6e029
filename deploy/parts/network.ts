import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import type { Construct } from 'constructs'
import { logGroup } from './logs.ts'

/**
 * A network of two zones, where tasks have no address of their own on the internet.
 *
 * DynamoDB and S3 are reached without the NAT gateway, so one is enough: without it known prompts go on being served.
 */
export function network(scope: Construct, id: string, stage: string): Vpc {
  const flows = logGroup(scope, `${id}Logs`, `/purposepath-prompts/${stage}/refused-connections`)
  return new Vpc(scope, id, {
    maxAzs: 2,
    natGateways: 1,
    subnetConfiguration: [
      { name: 'balancer', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      { name: 'tasks', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
    ],
    gatewayEndpoints: {
      dynamodb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      s3: { service: GatewayVpcEndpointAwsService.S3 },
    },
    flowLogs: {
      refused: {
        destination: FlowLogDestination.toCloudWatchLogs(flows),
        trafficType: FlowLogTrafficType.REJECT,
      },
    },
  })
}
