import { loadConfig } from '../config.ts'
import type { ApiKeys } from '../domain/api-keys.ts'
import { expiryOf } from '../domain/duration.ts'
import { AppError } from '../domain/errors.ts'
import { parseInput } from '../domain/validation.ts'
import { NewKey } from '../operations/keys.ts'
import { systemClock } from '../util/time.ts'
import { type CommandContext, ownBackend } from './context.ts'

/** `keys create`: prints the new key alone on stdout; it is shown only here. */
export async function createKey(
  context: CommandContext,
  words: { name: string; ttl?: string },
): Promise<void> {
  const { name, ttl } = parseInput(NewKey, words, 1)
  const { key, record } = await (await ownKeys(context)).create(name, expiryOf(ttl, systemClock))
  context.terminal.print(key)
  context.terminal.info(`Created key ${record.id} (${name}). It is shown only this once.`)
}

/** `keys list`: all keys by their prefix. */
export async function listKeys(context: CommandContext, { json = false }: { json?: boolean }): Promise<void> {
  const keys = await (await ownKeys(context)).list()
  context.terminal.printRows(keys, { asJson: json, otherwise: 'No keys yet: keys create --name NAME' })
}

/** `keys revoke`: withdraws a key, in running servers too within a second; in AWS within 30 seconds. */
export async function revokeKey(
  context: CommandContext,
  idOrName: string | undefined,
  { previous = false }: { previous?: boolean },
): Promise<void> {
  if ((idOrName === undefined) !== previous) {
    throw new AppError('invalid_input', 'Name one key, by its id or name, or give --previous.')
  }
  const keys = await ownKeys(context)
  const { id, name } = idOrName === undefined ? await keys.revokePrevious() : await keys.revoke(idOrName)
  context.terminal.info(`Revoked key ${id} (${name}).`)
}

/** `keys rotate`: replaces the rotating key in AWS and prints the new one alone on stdout. */
export async function rotateKey(context: CommandContext): Promise<void> {
  const { print, info } = context.terminal
  const { key } = await (await ownKeys(context)).rotate(info)
  print(key)
  info('The new key is the current one. The old one is valid until the next rotation, or until:')
  info('  purposepath-prompts keys revoke --previous')
}

async function ownKeys(context: CommandContext): Promise<ApiKeys> {
  return (await ownBackend(context, loadConfig(context.io.env))).openKeys()
}
