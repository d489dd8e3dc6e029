import { readFileSync } from 'node:fs'
import { Aws } from 'aws-cdk-lib'
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { loadConfig } from '../../src/config.ts'
import { acknowledge } from './acknowledge.ts'
import type { Deployment } from './deployment.ts'

type File = 'iam-policy.json' | 'iam-policy-provision.json'
interface Statement {
  Sid: string
  Resource: string | string[]
}

/** What a setting may name otherwise. */
const NAMED = [
  ...(['table', 'limitsTable', 'conversationsTable', 'bucket'] as const),
  ...(['apiKeySecret', 'jwtSecret', 'settingsSecret'] as const),
]
const WIDE = 'Any text of the stage, and any model: topics name theirs.'

/**
 * Gives a role what a policy file of this folder says, for this deployment's resources.
 *
 * @param sids only these statements; all by default.
 */
export function allow(role: Role, file: File, deployment: Deployment, sids?: readonly string[]): void {
  for (const statement of statementsOf(file, deployment)) {
    if (sids && !sids.includes(statement.Sid)) continue
    role.addToPolicy(PolicyStatement.fromJson(statement))
    const wide = [statement.Resource].flat().filter((resource) => resource.includes('*'))
    for (const resource of wide)
      acknowledge(role, { [`AwsSolutions-IAM5[Resource::${inRules(resource)}]`]: WIDE })
  }
}

function statementsOf(file: File, { stage, config }: Deployment): Statement[] {
  const usual = loadConfig({ STAGE: stage, PROMPTS_SETTINGS_SECRET: `purposepath-settings-${stage}` }).aws
  const values: Record<string, string> = { Region: Aws.REGION, Account: Aws.ACCOUNT_ID, Stage: stage }
  let text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
    .replaceAll('arn:aws:', `arn:${Aws.PARTITION}:`)
    .replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? '')
  for (const key of NAMED) text = text.replaceAll(usual[key] as string, config.aws[key] ?? '')
  const statements: Statement[] = JSON.parse(text).Statement
  // Only where the context names it.
  const isThere = ({ Sid }: Statement) => Sid !== 'SettingsSecret' || config.aws.settingsSecret !== undefined
  return statements.filter(isThere)
}

/** A resource as the rules of cdk-nag spell it. */
function inRules(resource: string): string {
  return resource
    .replaceAll(Aws.PARTITION, '<AWS::Partition>')
    .replaceAll(Aws.REGION, '<AWS::Region>')
    .replaceAll(Aws.ACCOUNT_ID, '<AWS::AccountId>')
}
