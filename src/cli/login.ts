import type { Config } from '../config.ts'
import { AppError } from '../domain/errors.ts'
import { SIGN_IN_CODE_MINUTES } from '../domain/sign-in.ts'
import { isLoopback, urlAt } from '../util/address.ts'
import { type AddressOptions, type CommandContext, configAt, localUser, ownBackend } from './context.ts'

/** `login`: prints a new sign-in link of the server with these settings alone on stdout. */
export async function printSignInLink(context: CommandContext, address: AddressOptions): Promise<void> {
  const config = configAt(context.io, address)
  const url = config.publicUrl ?? addressOf(config)
  const codes = await (await ownBackend(context, config)).openSignInCodes()
  const { print, info } = context.terminal
  print(signInLink(url, await codes.issue(localUser().subject)))
  info(`It works once, for ${SIGN_IN_CODE_MINUTES} minutes.`)
}

/** The address that a browser opens to sign in at the server `url`. */
export function signInLink(url: string, code: string): string {
  return `${url}/admin/sign-in?code=${code}`
}

/** Where a server with these settings listens; one for other machines answers to its names only. */
function addressOf({ host, port, allowedHosts }: Config): string {
  if (port === 0) {
    const message = 'Give the port that the server listens on, with --port or PROMPTS_PORT.'
    throw new AppError('invalid_input', message)
  }
  return urlAt(isLoopback(host) ? host : (allowedHosts?.[0] ?? host), port)
}
