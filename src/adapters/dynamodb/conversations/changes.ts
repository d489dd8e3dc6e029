import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb'
import type { Lease } from '../../../domain/conversation.ts'
import { CONVERSATIONS_TTL_ATTRIBUTE } from '../conversations-table.ts'
import { keptUntil, neededUntil } from './items.ts'

// The changes of a conversation's first item. Each bears the condition on which the port allows it.

/** An update of an item, without the table and the key. */
export type Change = Pick<
  UpdateCommandInput,
  'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> & { UpdateExpression: string; ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' }

/** The time of the write, and that of the last messages that have expired by then. */
export interface Now {
  now: string
  expired: string
}

const LEASE = { '#lease': 'lease' }
const TOKEN = { ...LEASE, '#token': 'token' }
const TTL = { '#ttl': CONVERSATIONS_TTL_ATTRIBUTE }
const IS_HELD = '#lease.#token = :token AND updated_at > :expired'
const EXISTS = 'attribute_exists(conversation)'

/** A refusal brings the item as it is. */
export function begin(turn: number, created_at: string, lease: Lease, { now, expired }: Now): Change {
  const isOpen = '(turns = :previous OR (turns = :turn AND answered < :turn))'
  const isFree = '(attribute_not_exists(#lease) OR #lease.expires_at <= :now)'
  return {
    UpdateExpression: 'SET turns = :turn, updated_at = :updated, #ttl = :until, #lease = :lease',
    ConditionExpression: `${isOpen} AND updated_at > :expired AND kept_until >= :needed AND ${isFree}`,
    ExpressionAttributeNames: { ...LEASE, ...TTL },
    ExpressionAttributeValues: {
      ':turn': turn,
      ':previous': turn - 1,
      ':updated': created_at,
      ':until': keptUntil(created_at),
      ':needed': neededUntil(created_at),
      ':expired': expired,
      ':lease': lease,
      ':now': now,
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}

export function finish({ token, turn }: Lease, created_at: string, { expired }: Now): Change {
  return {
    UpdateExpression: 'SET answered = :turn, updated_at = :updated, #ttl = :until REMOVE #lease',
    ConditionExpression: IS_HELD,
    ExpressionAttributeNames: { ...TOKEN, ...TTL },
    ExpressionAttributeValues: {
      ':turn': turn,
      ':updated': created_at,
      ':until': keptUntil(created_at),
      ':token': token,
      ':expired': expired,
    },
  }
}

export function renew(lease: Lease, { expired }: Now): Change {
  return {
    UpdateExpression: 'SET #lease = :lease',
    ConditionExpression: IS_HELD,
    ExpressionAttributeNames: TOKEN,
    ExpressionAttributeValues: { ':token': lease.token, ':lease': lease, ':expired': expired },
  }
}

export function release(token: string): Change {
  return {
    UpdateExpression: 'REMOVE #lease',
    ConditionExpression: '#lease.#token = :token',
    ExpressionAttributeNames: TOKEN,
    ExpressionAttributeValues: { ':token': token },
  }
}

/** Makes a conversation one that expired long ago, so that nothing can be added to it any more. */
export function expire(): Change {
  return {
    UpdateExpression: 'SET updated_at = :ago',
    ConditionExpression: EXISTS,
    ExpressionAttributeValues: { ':ago': new Date(0).toISOString() },
  }
}

/** Of an item with a part of a text: keeps it longer. */
export function keepPart(until: number): Change {
  return {
    UpdateExpression: 'SET #ttl = :until',
    ConditionExpression: EXISTS,
    ExpressionAttributeNames: TTL,
    ExpressionAttributeValues: { ':until': until },
  }
}

/** Says that all others are kept longer. */
export function keepAll(until: number): Change {
  return {
    UpdateExpression: 'SET kept_until = :until',
    ConditionExpression: EXISTS,
    ExpressionAttributeValues: { ':until': until },
  }
}
