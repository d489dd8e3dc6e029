import {
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import { WRITE_BUDGET_MS } from '../../../adapters/aws/calls.ts'
import { type BucketAccess, orNothing } from './bucket-access.ts'
import type { Part } from './properties.ts'

const OURS = 'purposepath-prompts-earlier-versions'
const KEPT_DAYS = 365
const UPLOAD_DAYS = 7

const RULE: LifecycleRule = {
  ID: OURS,
  Status: 'Enabled',
  Filter: { Prefix: '' },
  NoncurrentVersionExpiration: { NoncurrentDays: KEPT_DAYS },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: UPLOAD_DAYS },
}

/** Earlier versions go after a year, uploads that never ended after a week. Rules of others stay. */
export function lifecyclePart({ s3, target, call }: BucketAccess): Part {
  const look = new GetBucketLifecycleConfigurationCommand(target)
  const action = 's3:GetLifecycleConfiguration'
  const read = () =>
    orNothing(
      'NoSuchLifecycleConfiguration',
      call(action, (options) => s3.send(look, options)),
    )

  return {
    name: 'lifecycle rule',
    action,
    isThere: async () => ((await read()).Rules ?? []).some(isOurs),
    async complete() {
      const { Rules = [], TransitionDefaultMinimumObjectSize } = await read()
      const others = Rules.filter(({ ID }) => ID !== OURS).map(withFilter)
      const put = new PutBucketLifecycleConfigurationCommand({
        ...target,
        LifecycleConfiguration: { Rules: [...others, RULE] },
        // S3 would set what is left out back to its default.
        TransitionDefaultMinimumObjectSize,
      })
      await call('s3:PutLifecycleConfiguration', (options) => s3.send(put, options), WRITE_BUDGET_MS)
    },
  }
}

function isOurs({ ID, Status, ...rule }: LifecycleRule): boolean {
  return (
    ID === OURS &&
    Status === 'Enabled' &&
    rule.NoncurrentVersionExpiration?.NoncurrentDays === KEPT_DAYS &&
    rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation === UPLOAD_DAYS
  )
}

/** The same rule in today's form: S3 refuses a configuration that has rules of both forms. */
function withFilter({ Prefix, ...rule }: LifecycleRule): LifecycleRule {
  return Prefix === undefined ? rule : { ...rule, Filter: { Prefix } }
}
