import { hash, randomBytes } from 'node:crypto'
import {
  DeleteCommand,
  type DeleteCommandOutput,
  type DynamoDBDocumentClient,
  PutCommand,
} from '@aws-sdk/lib-dynamodb'
import { SIGN_IN_CODE_MINUTES, type SignInCodes } from '../../domain/sign-in.ts'
import type { Clock } from '../../util/time.ts'
import { causeOf, WRITE_BUDGET_MS } from '../aws/calls.ts'
import { callsOn } from '../aws/resources.ts'
import { LIMIT_KEY, LIMITS_TTL_ATTRIBUTE } from './limits-table.ts'

const LIFETIME_SECONDS = SIGN_IN_CODE_MINUTES * 60

/**
 * Codes of sign-in links in the limits table: an item for each, named by its hash, so that a reader of the table learns
 * no code. Both methods throw AppError `unavailable` when the table is out of reach.
 */
export function dynamoSignInCodes(client: DynamoDBDocumentClient, table: string, clock: Clock): SignInCodes {
  const call = callsOn({ resource: `table ${table}`, setting: 'PROMPTS_LIMITS_TABLE' })
  const keyOf = (code: string) => ({ [LIMIT_KEY]: `sign-in ${hash('sha256', code)}` })
  const secondsNow = () => clock().getTime() / 1000

  return {
    async issue(subject) {
      const code = randomBytes(32).toString('base64url')
      const expiresAt = Math.ceil(secondsNow() + LIFETIME_SECONDS)
      const put = new PutCommand({
        TableName: table,
        Item: { ...keyOf(code), subject, [LIMITS_TTL_ATTRIBUTE]: expiresAt },
      })
      await call('dynamodb:PutItem', (options) => client.send(put, options), WRITE_BUDGET_MS)
      return code
    },

    async redeem(code) {
      // Of several concurrent attempts one finds the item there and deletes it. A caller whose answer gets lost has used
      // the code up and needs another link.
      const remove = new DeleteCommand({
        TableName: table,
        Key: keyOf(code),
        ConditionExpression: 'attribute_exists(#key)',
        ExpressionAttributeNames: { '#key': LIMIT_KEY },
        ReturnValues: 'ALL_OLD',
      })
      const { Attributes } = await call(
        'dynamodb:DeleteItem',
        (options) => client.send(remove, options),
        WRITE_BUDGET_MS,
      ).catch(nothingIfMissing)
      // TTL deletes hours late.
      const isValid = Attributes && Attributes[LIMITS_TTL_ATTRIBUTE] > secondsNow()
      return isValid ? { subject: Attributes['subject'] as string } : undefined
    },
  }
}

function nothingIfMissing(error: unknown): Pick<DeleteCommandOutput, 'Attributes'> {
  if (causeOf(error) === 'ConditionalCheckFailedException') return {}
  throw error
}
