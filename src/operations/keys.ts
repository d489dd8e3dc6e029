import * as z from 'zod'
import { expiryOf } from '../domain/duration.ts'
import { defineOperation } from '../pipeline/operation.ts'
import * as sample from './sample.ts'

/** An API key as administrators see it: never the key itself. */
const Key = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('The first characters, to recognise a key by.'),
  created_at: z.string().optional(),
  expires_at: z.string().optional(),
  revoked_at: z.string().optional(),
})

/** What is said of a key to be made, here and on the command line. */
export const NewKey = z.strictObject({
  name: z
    .string()
    .refine((name) => /^[\w.@-]{1,64}$/.test(name), {
      error: 'expected 1–64 letters, digits, dots, @, _ or -',
      params: { expected: '1–64 letters, digits, dots, @, _ or -' },
    })
    .describe('Whose key it is.'),
  ttl: z
    .string()
    .optional()
    .describe('How long it is valid, for example 30m, 12h or 90d (default: until revoked).'),
})

/** No tool: a model has no use for keys, and what it sees may be kept anywhere. The commands are `src/cli/keys.ts`. */
const admin = { role: 'admin', limit: 'admin', cache: 'none', command: false } as const

export const listKeys = defineOperation({
  ...admin,
  name: 'keys.list',
  http: 'GET /admin/keys',
  title: 'List API keys',
  summary: 'List all keys by their prefix, oldest first.',
  effect: 'read',
  input: z.strictObject({}),
  output: z.array(Key),
  example: { input: {}, data: [sample.key] },
  run: async ({ openKeys }) => ({ data: await (await openKeys()).list() }),
})

export const createKey = defineOperation({
  ...admin,
  name: 'keys.create',
  http: 'POST /admin/keys',
  creates: '/admin/keys/{id}',
  title: 'Create an API key',
  summary: 'Make a key for a backend service; this answer alone holds it.',
  effect: 'write',
  input: NewKey,
  output: Key.extend({ key: z.string().describe('The key, shown only this once.') }),
  example: {
    input: { name: sample.key.name, ttl: '90d' },
    data: { ...sample.key, key: `${sample.key.prefix}${'0'.repeat(42)}` },
  },
  async run({ openKeys, clock }, { name, ttl }) {
    const { key, record } = await (await openKeys()).create(name, expiryOf(ttl, clock))
    return { data: { ...record, key } }
  },
})

export const revokeKey = defineOperation({
  ...admin,
  name: 'keys.revoke',
  http: 'DELETE /admin/keys/{id}',
  title: 'Revoke an API key',
  summary: 'Withdraw a key, in running servers too within a second (AWS: 30 seconds).',
  effect: 'delete',
  input: z.strictObject({
    id: z.string().min(1).max(200).describe('Its id, or the name that just one usable key has.'),
  }),
  output: Key,
  example: {
    input: { id: sample.key.id },
    data: { ...sample.key, revoked_at: sample.UPDATED_AT },
  },
  run: async ({ openKeys }, { id }) => ({ data: await (await openKeys()).revoke(id) }),
})
