import type { Lease } from '../../domain/conversation.ts'
import type { AppError } from '../../domain/errors.ts'
import type { Clock } from '../../util/time.ts'
import { storeUnreachable, turnEnded } from './failures.ts'

/** How long a turn stays locked after the process that answers it has crashed. */
const LEASE_MS = 12_000
/** How often a lease is renewed, and how soon after a renewal that failed. */
const RENEW_MS = 4_000
const RETRY_MS = 1_000

/** When a lease that is taken or renewed now expires. */
export function leaseExpiry(clock: Clock): string {
  return new Date(clock().getTime() + LEASE_MS).toISOString()
}

export function isLive({ expires_at }: Lease, clock: Clock): boolean {
  return Date.parse(expires_at) > clock().getTime()
}

/** A lease that is renewed until it is stopped. */
export interface KeptLease {
  current(): Lease
  /** Ends the renewals; the lease then expires by itself. */
  stop(): void
}

/**
 * Keeps a lease by renewing it.
 *
 * @param renew asks the store; see {@link ConversationStore.renewLease}.
 * @param onLost called once when the turn is no longer ours: cancelled, erased, or not renewed in time because the store
 *   could not be reached.
 */
export function keepLease(
  first: Lease,
  {
    renew,
    clock,
    onLost,
  }: {
    renew: (lease: Lease) => Promise<boolean>
    clock: Clock
    onLost: (reason: AppError) => void
  },
): KeptLease {
  let lease = first
  let isStopped = false
  let timer = setTimeout(renewNow, RENEW_MS)

  async function renewNow(): Promise<void> {
    const outcome = await attempt()
    if (isStopped) return
    if (outcome instanceof Error) {
      stop()
      onLost(outcome)
    } else timer = setTimeout(renewNow, outcome)
  }

  /** @returns milliseconds until the next renewal, or why there is none. */
  async function attempt(): Promise<number | AppError> {
    const renewed = { ...lease, expires_at: leaseExpiry(clock) }
    try {
      if (!(await renew(renewed))) return turnEnded()
      lease = renewed
      return RENEW_MS
    } catch (error) {
      return isLive(lease, clock) ? RETRY_MS : storeUnreachable(error)
    }
  }

  function stop(): void {
    isStopped = true
    clearTimeout(timer)
  }

  return { current: () => lease, stop }
}
