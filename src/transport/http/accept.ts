/**
 * Whether a client can read a media type, by its header `Accept` (RFC 9110, section 12.5.1): the most precise range that
 * covers the type decides, quality 0 excludes. Without the header everything is acceptable.
 *
 * @example accepts('text/*;q=0.5, application/json', 'text/event-stream') // true
 */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined) return true
  const [family] = type.split('/')
  const ranges = header.split(',').map((range) => range.trim().toLowerCase())
  for (const wanted of [type, `${family}/*`, '*/*']) {
    const range = ranges.find(
      (one) => one === wanted || one.startsWith(`${wanted};`) || one.startsWith(`${wanted} `),
    )
    if (range !== undefined) return !/;\s*q\s*=\s*0(\.0*)?\s*(;|$)/.test(range)
  }
  return false
}
