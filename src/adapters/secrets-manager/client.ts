import { SecretsManagerClient, type SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager'
import { clientSettings } from '../aws/calls.ts'

/**
 * A file of its own, so that the rotation Lambda bundles no other client.
 *
 * @param settings instead of what the SDK finds by itself.
 */
export function secretsClient(settings: SecretsManagerClientConfig = {}): SecretsManagerClient {
  return new SecretsManagerClient({ ...clientSettings, ...settings })
}
