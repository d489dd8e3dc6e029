import { openKeys } from '../../app.ts'
import { loadConfig } from '../../config.ts'
import { invalidInput } from '../../domain/errors.ts'
import { readTtl } from './duration.ts'
import { print, remark, table } from './output.ts'

/** `keys create`: prints the new key alone on stdout; it is shown only here. */
export async function createKey({ name, ttl }: { name: string; ttl?: string }): Promise<void> {
  if (!/^[\w.@-]{1,64}$/.test(name)) {
    throw invalidInput([
      {
        path: 'name',
        expected: '1–64 letters, digits, dots, @, _ or -',
        message: 'expected 1–64 letters, digits, dots, @, _ or -.',
      },
    ])
  }
  const expiresAt = ttl === undefined ? undefined : new Date(Date.now() + readTtl(ttl))
  const { key, record } = await openKeys(loadConfig()).create(name, expiresAt)
  print(key)
  remark(`Created key ${record.id} (${name}). It is shown only this once.`)
}

/** `keys list`: all keys by their prefix. */
export async function listKeys({ json = false }: { json?: boolean }): Promise<void> {
  const keys = await openKeys(loadConfig()).list()
  if (json) print(JSON.stringify({ data: keys }, null, 2))
  else
    print(keys.length > 0 ? table(keys.map((key) => ({ ...key }))) : 'No keys yet: keys create --name NAME')
}

/** `keys revoke`: withdraws a key in every running process within a second. */
export async function revokeKey(idOrName: string): Promise<void> {
  const { id, name } = await openKeys(loadConfig()).revoke(idOrName)
  remark(`Revoked key ${id} (${name}).`)
}
