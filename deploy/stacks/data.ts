import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Deployment } from '../parts/deployment.ts'
import { Secrets } from '../parts/secrets.ts'
import { Tables } from '../parts/tables.ts'
import { textsBucket } from '../parts/texts.ts'

/** What must outlive every release: tables, texts and secrets. Deleting the stack deletes none of them. */
export class DataStack extends Stack {
  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id, { description: `purposepath-prompts, stage ${deployment.stage}: data` })
    new Tables(this, 'Tables', deployment.config.aws)
    textsBucket(this, 'Texts', deployment.config.aws.bucket)
    new Secrets(this, 'Secrets', deployment)
  }
}
