import { ModelFailure, type ModelRequest } from '../../domain/language-model.ts'
import { awsFailure } from '../aws/failures.ts'
import { adviceFor } from './advice.ts'
import { isTooLarge, tooLarge } from './bounds.ts'
import { withoutQuotes } from './quotes.ts'

/** What is known of an error of the SDK. */
interface Told {
  name: string
  /** What Bedrock says, fit for a log: without anything of the prompt, and empty where it could be. */
  said: string
  status: number | undefined
  model: string
}

const THROTTLED = /^(Throttling|TooManyRequests|SlowDown)/i
const BUSY =
  /^(ServiceUnavailable|InternalServer|InternalFailure|ModelTimeout|ModelNotReady|ModelError|ModelStreamError|RequestTimeout|Conflict)/i
const CREDENTIALS =
  /^(ExpiredToken|RequestExpired|TokenRefreshRequired|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|CredentialsProviderError)/
/** Those that a stream may tell have no status. */
const REFUSED = /^(Validation|ResourceNotFound|ServiceQuotaExceeded)/i
const NO_REGION = /region is missing/i
const CLOCK = /RequestTimeTooSkewed|Signature (expired|not yet current)/
/** Other errors quote what they are about: a key, or an answer that cannot be read. */
const QUOTABLE =
  /^(Throttling|ServiceUnavailable|ModelNotReady|AccessDenied|Validation|ResourceNotFound|ServiceQuotaExceeded)/i

/** Whether Bedrock itself told of the failure, and not the connection. */
export const isToldByBedrock = (error: unknown) =>
  error instanceof Error && (isAwsError(error) || /(Exception|Failure)$/.test(error.name))

const isAwsError = (error: Error): error is Error & { $metadata: { httpStatusCode?: number } } =>
  '$metadata' in error || '$fault' in error

/**
 * What an error of the SDK means. Of the error itself only what is fit for a log stays, as the cause: its other members
 * hold the request, the answer and the headers.
 */
export function modelFailure(error: unknown, request: ModelRequest): ModelFailure {
  if (error instanceof ModelFailure) return error
  if (isTooLarge(error)) return tooLarge()
  const thrown = error instanceof Error ? error : new Error('unknown')
  const about = toldBy(thrown, request)
  const { kind, message, advice } = judge(thrown, about)
  const says = about.said ? `${about.name}: ${about.said}` : about.name
  return new ModelFailure(kind, message, {
    operatorMessage: `${whereOf(request.model)}${advice} (${says})`,
    cause: Object.assign(new Error(about.said), { name: about.name }),
  })
}

function toldBy(thrown: Error, request: ModelRequest): Told {
  // A code is what the system's own errors have: their messages tell of addresses only.
  const isQuotable = QUOTABLE.test(thrown.name) || typeof (thrown as NodeJS.ErrnoException).code === 'string'
  return {
    name: /^\w{1,80}$/.test(thrown.name) ? thrown.name : 'Error',
    said: isQuotable ? withoutQuotes(thrown.message, request) : '',
    status: isAwsError(thrown) ? thrown.$metadata?.httpStatusCode : undefined,
    model: request.model,
  }
}

function judge(
  { name, message }: Error,
  { status = 0, model }: Told,
): { kind: 'passing' | 'refused'; message: string; advice: string } {
  const passing = (text: string, advice: string) => ({ kind: 'passing' as const, message: text, advice })
  const refused = (text: string, advice: string) => ({ kind: 'refused' as const, message: text, advice })

  if (CLOCK.test(name) || CLOCK.test(message)) {
    // The SDK has learnt the right time from this very answer.
    return passing('The model is out of reach.', "this machine's clock is wrong. Set it.")
  }
  if (THROTTLED.test(name) || status === 429) {
    return passing(
      'The model is asked too much just now.',
      "the account's quota is used up; try again, or raise it.",
    )
  }
  if (BUSY.test(name) || status >= 500 || status === 408) {
    return passing('The model is out of order just now.', 'Bedrock or the model is in trouble; try again.')
  }
  if (CREDENTIALS.test(name) || NO_REGION.test(message)) {
    return refused('The model cannot be used as it is set up.', credentialsAdvice({ name, message }, model))
  }
  if (/^AccessDenied/.test(name) || status === 403) {
    return refused(
      'The model cannot be used as it is set up.',
      'not permitted. Allow bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on the model, and on the inference profile if it is asked through one, in the IAM policy (bedrock:ApplyGuardrail for a guardrail); and see under "Model access" in the Bedrock console whether this account may use it.',
    )
  }
  if (status >= 400 || REFUSED.test(name)) {
    const { caller = 'The model does not take the request.', operator } = adviceFor(name, message, model)
    return refused(caller, operator)
  }
  return passing('The model is out of reach.', 'no readable answer. Check the network and AWS_REGION.')
}

/** The same words as for any other part of AWS; what AWS says of credentials may hold some of them. */
function credentialsAdvice({ name, message }: Error, model: string): string {
  const shown = NO_REGION.test(message) ? message : ''
  const { operatorMessage } = awsFailure(
    { ...placeOf(model), setting: 'PROMPTS_LLM_MODEL' },
    { name, message: shown },
  )
  return operatorMessage.slice(whereOf(model).length)
}

const placeOf = (model: string) => ({ action: 'bedrock:InvokeModel', resource: model })

function whereOf(model: string): string {
  const { action, resource } = placeOf(model)
  return `${action} on ${resource}: `
}
