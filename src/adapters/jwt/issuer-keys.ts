import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'

/** Keys this old are fetched again, while requests go on with them. */
const REFRESH_MS = 60_000
/** Least time between two fetches, whatever came of the first. */
const PAUSE_MS = 5_000
const FETCH_BUDGET_MS = 3_000

export interface IssuerKeysOptions {
  url: string
  /** How long known keys outlive an outage of their source. */
  staleIfErrorMs: number
  clock: Clock
  warn: (message: string, cause?: unknown) => void
}

/**
 * The public keys of an issuer (JWKS), kept for a while.
 *
 * Around jose's set of known keys instead of with its remote set, which neither outlives an outage of the issuer nor
 * limits how often strangers' tokens make it fetch while the issuer is down.
 */
export function issuerKeys({ url, staleIfErrorMs, clock, warn }: IssuerKeysOptions): JWTVerifyGetKey {
  let known: ReturnType<typeof createLocalJWKSet> | undefined
  let knownSince = -Infinity
  let triedAt = -Infinity
  let failed = false
  let fetching: Promise<void> | undefined

  /** Fetches the keys unless that was tried just now; whoever asks meanwhile waits for the same answer. */
  function refresh(): Promise<void> {
    if (!fetching && now() - triedAt >= PAUSE_MS) {
      fetching = renew().finally(() => {
        triedAt = now()
        fetching = undefined
      })
    }
    return fetching ?? Promise.resolve()
  }

  async function renew(): Promise<void> {
    try {
      known = createLocalJWKSet(await fetchKeys(url))
      knownSince = now()
      failed = false
    } catch (error) {
      // Once for each outage: a log of every attempt would say no more.
      if (!failed) warn(`cannot fetch the issuer's keys from ${url}`, error)
      failed = true
    }
  }

  const now = () => clock().getTime()
  const age = () => now() - knownSince
  const isUsable = () => age() <= REFRESH_MS + staleIfErrorMs

  return async (header, token) => {
    if (!isUsable()) await refresh()
    else if (age() > REFRESH_MS) void refresh()
    if (!known || !isUsable()) throw unavailable()
    try {
      return await known(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    }
    // Perhaps a new key of the issuer.
    await refresh()
    try {
      return await known(header, token)
    } catch (error) {
      throw failed && error instanceof errors.JWKSNoMatchingKey ? unavailable() : error
    }
  }
}

function unavailable(): AppError {
  const message = "The keys of the token's issuer cannot be fetched; try again."
  return new AppError('unavailable', message, { retryAfter: PAUSE_MS / 1000 })
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), FETCH_BUDGET_MS)
  try {
    const answer = await fetch(url, {
      headers: { accept: 'application/json' },
      // Whoever could redirect us could name other keys.
      redirect: 'error',
      signal: controller.signal,
    })
    if (answer.ok) return (await answer.json()) as JSONWebKeySet
    await answer.body?.cancel()
    throw new Error(`it answered ${answer.status}`)
  } finally {
    clearTimeout(timer)
  }
}
