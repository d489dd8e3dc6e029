import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { clientSettings } from '../aws/calls.ts'

/**
 * DynamoDB with plain objects as items. Members that are `undefined` are left out.
 *
 * @param settings instead of what the SDK finds by itself.
 */
export function dynamoClient(settings: DynamoDBClientConfig = {}): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({ ...clientSettings, ...settings }), {
    marshallOptions: { removeUndefinedValues: true },
    // A number of another program that JavaScript cannot hold exactly must not make its whole page unreadable.
    unmarshallOptions: { wrapNumbers: Number },
  })
}
