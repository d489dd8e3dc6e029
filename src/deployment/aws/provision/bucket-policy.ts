import { GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { type BucketAccess, type Endpoint, orNothing } from './bucket-access.ts'
import { NotApplicable, type Part } from './properties.ts'

type Statement = Record<string, unknown>
interface Policy {
  Version?: string
  Id?: string
  Statement?: Statement | Statement[]
}

const OURS = 'PurposepathPromptsTlsOnly'

/** Nobody reaches the bucket without TLS. What else its policy says stays. */
export function policyPart(
  { s3, target, call }: BucketAccess,
  partition: string,
  { isEncrypted }: Endpoint,
): Part {
  const bucket = `arn:${partition}:s3:::${target.Bucket}`
  const look = new GetBucketPolicyCommand(target)
  const action = 's3:GetBucketPolicy'

  async function read(): Promise<Policy> {
    const answer = call(action, (options) => s3.send(look, options))
    const { Policy: text } = await orNothing('NoSuchBucketPolicy', answer)
    return text ? (JSON.parse(text) as Policy) : {}
  }

  return {
    name: 'TLS-only policy',
    action,
    async isThere() {
      if (!isEncrypted)
        throw new NotApplicable('the endpoint has no TLS, and the rule would lock everyone out')
      return listOf((await read()).Statement).some((statement) => demandsTls(statement, bucket))
    },
    async complete() {
      const policy = await read()
      const others = listOf(policy.Statement).filter(({ Sid }) => Sid !== OURS)
      const merged = { Version: '2012-10-17', ...policy, Statement: [...others, statementFor(bucket)] }
      const put = new PutBucketPolicyCommand({ ...target, Policy: JSON.stringify(merged) })
      await call('s3:PutBucketPolicy', (options) => s3.send(put, options), WRITE_BUDGET_MS)
    },
  }
}

function statementFor(bucket: string): Statement {
  return {
    Sid: OURS,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [bucket, `${bucket}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
}

/** Whether a statement, whoever wrote it, refuses everyone everything without TLS. */
function demandsTls(statement: Statement, bucket: string): boolean {
  const { Effect, Principal, Action, Resource, Condition } = statement
  const isEveryone = JSON.stringify(Principal) === '{"AWS":"*"}' || Principal === '*'
  const isEverything = listOf(Action).some((action) => action === 's3:*' || action === '*')
  const resources = listOf(Resource)
  const isAll = resources.includes('*') || [bucket, `${bucket}/*`].every((one) => resources.includes(one))
  return Effect === 'Deny' && isEveryone && isEverything && isAll && isWithoutTls(Condition)
}

/** A statement with more conditions refuses less. */
function isWithoutTls(condition: unknown): boolean {
  return /^\{"Bool":\{"aws:SecureTransport":\[?"?false"?\]?\}\}$/i.test(JSON.stringify(condition ?? {}))
}

function listOf<T>(one: T | T[] | undefined): T[] {
  return one === undefined ? [] : Array.isArray(one) ? one : [one]
}
