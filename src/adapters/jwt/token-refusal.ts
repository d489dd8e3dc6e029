import { errors } from 'jose'
import { AppError } from '../../domain/errors.ts'

/** Sentences say what is wrong and repeat nothing of the token: an answer may be logged by whoever gets it. */
const SENTENCES: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'The token has expired.',
  ERR_JOSE_ALG_NOT_ALLOWED: 'The token is signed with an algorithm that is not accepted here.',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "The token's signature is not valid.",
  ERR_JWKS_NO_MATCHING_KEY: 'The token is signed with a key that its issuer does not publish.',
}
const WRONG_CLAIMS: Readonly<Record<string, string>> = {
  nbf: 'The token is not valid yet.',
  iss: 'The token is from another issuer.',
  aud: 'The token is meant for another audience.',
}

/** What a caller may know of a token's refusal. */
export function tokenRefusal(error: unknown): AppError {
  if (error instanceof AppError) return error
  // What is no judgement on the token is one on the keys: too short, or of a kind that Node cannot use.
  const isAboutKeys =
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSInvalid ||
    error instanceof errors.JWKInvalid
  if (isAboutKeys) {
    return new AppError('unavailable', "The keys of the token's issuer cannot be used.", { cause: error })
  }
  return new AppError('unauthenticated', sentenceOf(error))
}

function sentenceOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (reason === 'missing') return `The token has no claim "${claim}".`
    if (reason === 'invalid') return `The token's claim "${claim}" is not a number.`
    return WRONG_CLAIMS[claim] ?? 'The token has a wrong claim.'
  }
  return SENTENCES[error.code] ?? 'This is not a valid token.'
}
