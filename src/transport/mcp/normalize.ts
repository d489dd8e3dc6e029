import { canonicalUri } from './uris.ts'

/** Levels of a message above which members have a meaning for the protocol: `params._meta.{capabilities}.{one}.{member}`. */
const MAX_LEVELS = 6

/**
 * Makes of a request, or of a batch of them, what the SDK expects. Members of the parameters that are `null` are dropped:
 * many clients write them for absent ones. What is below `arguments` is for the called operation to judge.
 *
 * Subscriptions are to resources as they are listed, because changes are told by those URIs.
 *
 * @param message a message as it was parsed; it is changed itself.
 */
export function normalizeMessage(message: unknown): void {
  for (const one of Array.isArray(message) ? message : [message]) {
    if (!isObject(one) || typeof one['method'] !== 'string') continue
    if (one['params'] === null) delete one['params']
    else dropWithin(one['params'], MAX_LEVELS)
    if (isObject(one['params'])) normalizeSubscription(one['method'], one['params'])
  }
}

function dropWithin(holder: unknown, levels: number): void {
  if (!isObject(holder) || levels === 0) return
  for (const [name, member] of Object.entries(holder)) {
    if (member === null) delete holder[name]
    else if (name !== 'arguments') dropWithin(member, levels - 1)
  }
}

function normalizeSubscription(method: string, params: Record<string, unknown>): void {
  if (/^resources\/(un)?subscribe$/.test(method)) params['uri'] = canonical(params['uri'])
  const filter = method === 'subscriptions/listen' ? params['notifications'] : undefined
  if (!isObject(filter) || !Array.isArray(filter['resourceSubscriptions'])) return
  filter['resourceSubscriptions'] = filter['resourceSubscriptions'].map(canonical)
}

function canonical(uri: unknown): unknown {
  return typeof uri === 'string' ? canonicalUri(uri) : uri
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
