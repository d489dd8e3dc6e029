const ENCODED = /%[0-9a-f]{2}/gi
/** Characters that mean the same encoded and not (RFC 3986, section 2.3). */
const UNRESERVED = /[\w.~-]/

/**
 * A URI in the spelling in which resources are listed: clients write the scheme in another case, encode what needs no
 * encoding, and put a slash at the end (RFC 3986, section 6.2).
 *
 * @example canonicalUri('PROMPT://core%5Fvalues/') // 'prompt://core_values'
 */
export function canonicalUri(uri: string): string {
  return uri
    .replace(/^[a-z]+(?=:)/i, (scheme) => scheme.toLowerCase())
    .replace(ENCODED, (encoded) => {
      const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
      return UNRESERVED.test(character) ? character : encoded
    })
    .replace(/\/$/, '')
}
