import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { clientSettings } from '../aws/calls.ts'

export function secretsClient(): SecretsManagerClient {
  return new SecretsManagerClient(clientSettings)
}
