/** Levels of a message above which members have a meaning for the protocol: `params._meta.{capabilities}.{one}.{member}`. */
const MAX_LEVELS = 6

/**
 * Drops members that are `null` from the parameters of a request, or of a batch of them: many clients write them for
 * absent ones, and the SDK refuses them. What is below `arguments` is for the called operation to judge.
 *
 * @param message a message as it was parsed; it is changed itself.
 */
export function dropNulls(message: unknown): void {
  for (const one of Array.isArray(message) ? message : [message]) {
    if (!isObject(one) || typeof one['method'] !== 'string') continue
    if (one['params'] === null) delete one['params']
    else dropWithin(one['params'], MAX_LEVELS)
  }
}

function dropWithin(holder: unknown, levels: number): void {
  if (!isObject(holder) || levels === 0) return
  for (const [name, member] of Object.entries(holder)) {
    if (member === null) delete holder[name]
    else if (name !== 'arguments') dropWithin(member, levels - 1)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
