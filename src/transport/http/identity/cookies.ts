/** A cookie that only this server reads and writes. */
export interface OwnCookie {
  name: string
  /**
   * The value of `Set-Cookie`.
   *
   * @param seconds how long the browser keeps it; 0 removes it.
   */
  set(value: string, seconds: number): string
  /** Its value in a `Cookie` header; empty when it is there twice, `undefined` when it is not there. */
  read(header: string | undefined): string | undefined
}

/**
 * A cookie that no script can read. Over https its name says so (`__Host-`), and browsers then take it from nobody else:
 * not from a neighbour on another port or subdomain, not over http.
 *
 * @param sameSite `Strict` for what only this server's own pages send, `Lax` for what must come along when another site
 *   leads here.
 * @param publicUrl see {@link Config.publicUrl}.
 */
export function ownCookie(
  name: string,
  sameSite: 'Strict' | 'Lax',
  publicUrl: string | undefined,
): OwnCookie {
  const { protocol, pathname } = new URL(publicUrl ?? 'http://localhost')
  const isSecure = protocol === 'https:'
  // `__Host-` wants the path `/`, so the name keeps servers of one host apart.
  const suffix = isSecure ? pathname.replace(/\W+/g, '_').replace(/_$/, '') : ''
  const ownName = isSecure ? `__Host-${name}${suffix}` : name
  const attributes = [
    `Path=${isSecure ? '/' : pathname}`,
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ')
  const start = `${ownName}=`

  return {
    name: ownName,
    set: (value, seconds) => `${start}${value}; Max-Age=${seconds}; ${attributes}`,
    read(header) {
      if (!header?.includes(start)) return undefined
      const values = header
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(start))
        .map((pair) => pair.slice(start.length))
      // Two of them, one perhaps planted by a neighbour on this host: neither is believed.
      return values.length > 1 ? '' : values[0]
    },
  }
}
