import { readFileSync } from 'node:fs'
import { Aws } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { loadConfig } from '../../src/config.ts'
import type { Deployment } from './deployment.ts'

/**
 * The statements of a policy file beside this folder, for this deployment's resources.
 *
 * @param sids only these; all by default.
 */
export function policyStatements(
  file: 'iam-policy.json' | 'iam-policy-provision.json',
  { stage, config }: Pick<Deployment, 'stage' | 'config'>,
  sids?: readonly string[],
): PolicyStatement[] {
  const usual = loadConfig({ STAGE: stage }).aws
  let text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
    .replaceAll('arn:aws:', `arn:${Aws.PARTITION}:`)
    .replaceAll('${Region}', Aws.REGION)
    .replaceAll('${Account}', Aws.ACCOUNT_ID)
    .replaceAll('${Stage}', stage)
  for (const key of ['table', 'limitsTable', 'conversationsTable', 'bucket', 'apiKeySecret', 'jwtSecret'] as const) {
    text = text.replaceAll(usual[key], config.aws[key])
  }
  const { Statement } = JSON.parse(text) as { Statement: { Sid: string }[] }
  return Statement.filter(({ Sid }) => sids?.includes(Sid) ?? true).map((one) => PolicyStatement.fromJson(one))
}
