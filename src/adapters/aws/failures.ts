import { AppError } from '../../domain/errors.ts'

/** One call to AWS, in the words of failures. */
export interface AwsCall {
  /** The IAM action that the call needs, for example `dynamodb:GetItem`. */
  action: string
  /** The resource in words, for example `table purposepath-llm-prompts-dev`. */
  resource: string
  /** The setting that names the resource. */
  setting: string
}

const RETRY_SECONDS = 1

/** The ways in which AWS says no, and what an operator can do about each. */
const REASONS: [names: RegExp, reason: (call: AwsCall, message: string) => string][] = [
  [
    /^(ResourceNotFoundException|NoSuchBucket|NotFound)$/,
    ({ setting }) =>
      `it does not exist in this account and region. Create it with "purposepath-prompts provision", or check ${setting}, STAGE and AWS_REGION.`,
  ],
  [
    /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|BucketRegionError|301)$/,
    ({ setting }) => `it is in another region. Check AWS_REGION and ${setting}.`,
  ],
  [
    /^(AccessDenied|AccessDeniedException|Forbidden|403|UnauthorizedOperation)$/,
    ({ resource, action }) =>
      `not permitted. Add ${action} on ${resource} to the IAM policy (deploy/ has policies with all that is needed).`,
  ],
  [
    /^(ExpiredToken|ExpiredTokenException|RequestExpired|TokenRefreshRequired)$/,
    () => 'the AWS credentials have expired. Renew them.',
  ],
  [
    /^(UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignatureException)$/,
    () =>
      'AWS does not accept the credentials. Check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  ],
  [
    /^CredentialsProviderError$/,
    () => 'there are no AWS credentials. Give the machine a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID.',
  ],
  [/Throttl|Throughput|LimitExceeded|SlowDown|TooManyRequests/, () => 'AWS throttles the calls; try again.'],
]

/** Why a call failed: for callers that the store is out of reach, for the operator what to do about it. */
export function awsFailure(call: AwsCall, error: unknown): AppError {
  if (error instanceof AppError) return error
  const { name, message } = error as Error
  const reason = REASONS.find(([names]) => names.test(name))?.[1](call, message) ?? unknownReason(message)
  return new AppError('unavailable', 'The store cannot be reached or written.', {
    retryAfter: RETRY_SECONDS,
    operatorMessage: `${call.action} on ${call.resource}: ${reason}`,
    cause: error,
  })
}

function unknownReason(message: string): string {
  if (/region is missing/i.test(message)) return 'no region is set. Set AWS_REGION.'
  return `${(message || 'no answer').replace(/\.$/, '')}.`
}
