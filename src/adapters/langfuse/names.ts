import { isIdentifier } from '../../domain/identifiers.ts'

const MAX_LENGTH = 64

/**
 * An identifier for a foreign name: words in lower case with underscores between them.
 *
 * @returns `undefined` when the name has no letter and no digit that an identifier may hold.
 * @example identifierFrom('Support/welcomeMail v2') // 'support_welcome_mail_v2'
 */
export function identifierFrom(name: string): string | undefined {
  if (isIdentifier(name)) return name
  const identifier = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, MAX_LENGTH)
    .replace(/^_+|_+$/g, '')
  return isIdentifier(identifier) ? identifier : undefined
}
