import * as z from 'zod'
import { openIdentity } from '../app.ts'
import { loadConfig } from '../config.ts'
import { parseDuration } from '../domain/duration.ts'
import { plainText } from '../domain/identifiers.ts'
import { parseInput } from '../domain/validation.ts'
import { type CommandContext, localUser, ownBackend } from './context.ts'

const MOST = { milliseconds: 365 * 86_400_000, words: '365d' }

const wellFormed = plainText(1, 200).refine((text) => text.isWellFormed(), {
  error: 'is not valid Unicode',
  params: { expected: 'valid Unicode' },
})
const TokenOptions = z.object({
  role: z.enum(['admin', 'service', 'user']).default('admin'),
  sub: wellFormed.optional(),
  tenant: wellFormed.optional(),
  ttl: z.string().default('1h'),
})

/** `token`: prints a JWT, signed with the local secret, alone on stdout. */
export async function printToken(context: CommandContext, words: object): Promise<void> {
  const { role, sub, tenant, ttl } = parseInput(TokenOptions, words, 1)
  const subject = sub ?? localUser().subject
  const lifetimeSeconds = parseDuration(ttl, MOST) / 1000
  const config = loadConfig(context.io.env)
  const { print, info } = context.terminal
  const { signer } = await openIdentity(await ownBackend(context, config), config, info)
  print(await signer.sign({ role, subject, tenant, lifetimeSeconds }))
  info(`A token of ${subject} with the role ${role}, valid for ${ttl}.`)
}
