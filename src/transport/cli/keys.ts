import { openKeys } from '../../app.ts'
import { loadConfig } from '../../config.ts'
import { invalidInput } from '../../domain/errors.ts'
import { print, remark, table } from './output.ts'

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

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
  const expiresAt = ttl === undefined ? undefined : new Date(Date.now() + readDuration(ttl))
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

/** Milliseconds of a text like `30m`, `12h` or `90d`. */
function readDuration(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? []
  if (!count || !unit) {
    throw invalidInput([
      {
        path: 'ttl',
        expected: 'a time like 30m, 12h or 90d',
        message: 'expected a time like 30m, 12h or 90d.',
      },
    ])
  }
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}
