import { App, Validations } from 'aws-cdk-lib'
import flags from 'aws-cdk-lib/recommended-feature-flags.json' with { type: 'json' }
import { AwsSolutionsChecks } from 'cdk-nag'
import { deploymentOf } from './parts/deployment.ts'
import { DataStack } from './stacks/data.ts'
import { FargateStack } from './stacks/fargate.ts'
import { WebFunctionStack } from './stacks/web-function.ts'

// What is deployed is said by context, as docs/operations.md lists it: cdk deploy --all -c STAGE=prod -c kind=fargate
const app = new App({ postCliContext: flags })
const deployment = deploymentOf(app.node.getAllContext())
const { stage, kind } = deployment

const data = new DataStack(app, `purposepath-prompts-data-${stage}`, deployment)
const Service = kind === 'fargate' ? FargateStack : WebFunctionStack
const service = new Service(app, `purposepath-prompts-${stage}`, deployment)
// The service finds its data by name; nothing of one stack is named in the other.
service.addStackDependency(data)

Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
