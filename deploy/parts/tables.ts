import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { RemovalPolicy } from 'aws-cdk-lib'
import { CfnTable, type CfnTableProps } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import {
  CONVERSATIONS_TTL_ATTRIBUTE,
  conversationsTable,
} from '../../src/adapters/dynamodb/conversations-table.ts'
import { LIMITS_TTL_ATTRIBUTE, limitsTable } from '../../src/adapters/dynamodb/limits-table.ts'
import { topicsTable } from '../../src/adapters/dynamodb/topics-table.ts'
import type { Config } from '../../src/config.ts'
import { acknowledge } from './acknowledge.ts'

const RECOVERY = { pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true } }
const expiryBy = (attributeName: string) => ({ timeToLiveSpecification: { attributeName, enabled: true } })

/** The tables as `provision` makes them, from the same definitions. */
export class Tables extends Construct {
  constructor(scope: Construct, id: string, names: Config['aws']) {
    super(scope, id)
    this.table('Topics', topicsTable(names.table), RECOVERY)
    const limits = this.table('Limits', limitsTable(names.limitsTable), expiryBy(LIMITS_TTL_ATTRIBUTE))
    acknowledge(limits, {
      'AwsSolutions-DDB3': 'Nothing in it outlives minutes: there is nothing to restore.',
    })
    const expiry = expiryBy(CONVERSATIONS_TTL_ATTRIBUTE)
    this.table('Conversations', conversationsTable(names.conversationsTable), { ...RECOVERY, ...expiry })
  }

  private table(id: string, definition: CreateTableCommandInput, more: Partial<CfnTableProps>): CfnTable {
    const table = new CfnTable(this, id, { ...inCdkSpelling<CfnTableProps>(definition), ...more })
    table.applyRemovalPolicy(RemovalPolicy.RETAIN)
    return table
  }
}

/** DynamoDB's API and CloudFormation call the members of a table the same; CDK begins them with a small letter. */
function inCdkSpelling<T>(value: unknown): T {
  if (Array.isArray(value)) return value.map(inCdkSpelling) as T
  if (typeof value !== 'object' || value === null) return value as T
  const members = Object.entries(value).map(([name, one]) => [
    name[0]?.toLowerCase() + name.slice(1),
    inCdkSpelling(one),
  ])
  return Object.fromEntries(members)
}
