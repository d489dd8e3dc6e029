import { readFileSync } from 'node:fs'
import { loadConfig } from '../config.ts'
import { isApiKey } from '../domain/api-keys.ts'
import { AppError, invalidInput } from '../domain/errors.ts'
import type { CommandContext } from './context.ts'
import { pathArgument } from './path.ts'

export interface CredentialOptions {
  tokenFile?: string
}

/**
 * A token or an API key for another server, from a file or the environment: never from the command line, which other
 * users of the machine can read.
 *
 * @throws AppError `invalid_input` for what cannot be one.
 */
export function findCredential({ io }: CommandContext, { tokenFile }: CredentialOptions): string | undefined {
  const given = tokenFile === undefined ? loadConfig(io.env).credentials.token : readToken(tokenFile)
  if (given === undefined || /^[\x21-\x7e]+$/.test(given)) return given
  const message = 'expected a token or an API key alone.'
  throw invalidInput([{ path: 'token', expected: 'a token or an API key', message }])
}

/** The header that shows a credential. */
export function headersOf(credential: string): Record<string, string> {
  return isApiKey(credential) ? { 'x-api-key': credential } : { authorization: `Bearer ${credential}` }
}

function readToken(file: string): string {
  try {
    return readFileSync(pathArgument('token-file', file), 'utf8').trim()
  } catch (error) {
    if (error instanceof AppError) throw error
    const message = `cannot be read: ${(error as Error).message}`
    throw invalidInput([{ path: 'token-file', expected: 'a file', message }])
  }
}
