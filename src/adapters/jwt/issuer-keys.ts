import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { AppError } from '../../domain/errors.ts'
import { type OutageOptions, staleIfError } from '../../util/stale-if-error.ts'
import { type Clock, startDeadline } from '../../util/time.ts'

/** Keys older than this are fetched again, while requests continue with them. Whole milliseconds: a minute is young. */
const MAX_AGE_MS = 60_001
/** Least time between two fetches, whatever the outcome of the first. */
const PAUSE_MS = 5_000
const FETCH_BUDGET_MS = 3_000

export interface IssuerKeysOptions extends OutageOptions {
  url: string
  clock: Clock
}

/**
 * The public keys of an issuer (JWKS), kept for a while.
 *
 * Not jose's remote set: it does not outlive an outage of the issuer, and while the issuer is down it fetches as often
 * as strangers send tokens.
 *
 * @example await jwtVerify(token, issuerKeys({ url, staleIfErrorMs: 600_000, clock, warn }))
 */
export function issuerKeys({ url, ...options }: IssuerKeysOptions): JWTVerifyGetKey {
  const keys = staleIfError({
    ...options,
    load: async () => createLocalJWKSet(await fetchKeys(url)),
    source: `the issuer's keys at ${url}`,
    maxAgeMs: MAX_AGE_MS,
    retryMs: PAUSE_MS,
    reloadInBackground: true,
    unavailable,
  })

  return async (header, token) => {
    try {
      return await (await keys.current())(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    }
    // The issuer may have a new key.
    await keys.retry()
    try {
      return await (await keys.current())(header, token)
    } catch (error) {
      throw error instanceof errors.JWKSNoMatchingKey ? (keys.outage() ?? error) : error
    }
  }
}

function unavailable(): AppError {
  const message = "The keys of the token's issuer cannot be fetched; try again."
  return new AppError('unavailable', message, { retryAfter: PAUSE_MS / 1000 })
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const deadline = startDeadline(FETCH_BUDGET_MS)
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      // A redirect could name the keys of another server.
      redirect: 'error',
      signal: deadline.signal,
    })
    if (response.ok) return (await response.json()) as JSONWebKeySet
    await response.body?.cancel()
    throw new Error(`it answered ${response.status}`)
  } finally {
    deadline.clear()
  }
}
