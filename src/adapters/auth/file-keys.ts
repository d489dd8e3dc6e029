import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import * as z from 'zod'
import { type ApiKey, type ApiKeys, isUsable, loggablePrefix } from '../../domain/api-keys.ts'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import { replaceFile } from '../files/durable.ts'
import { type Layout, storeFailure } from '../files/layout.ts'
import { fileLocks } from '../files/lock.ts'
import { isMissing } from '../files/working-copy.ts'

const StoredKeys = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    prefix: z.string(),
    created_at: z.string(),
    expires_at: z.string().optional(),
    revoked_at: z.string().optional(),
    /** SHA-256 of the key. Keys are 192 random bits, so a slow hash would add cost and no safety. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
)
type StoredKey = z.infer<typeof StoredKeys>[number]

/** How long a change by another process may go unnoticed. */
const RECHECK_MS = 500

/** API keys, hashed, in the data folder. */
export function fileKeys(layout: Layout, stage: string, clock: Clock): ApiKeys {
  const withLock = fileLocks(layout)
  let known: StoredKey[] = []
  let signature = ''
  let checkedAt = -Infinity

  function read(): StoredKey[] {
    let text: string
    try {
      text = readFileSync(layout.keys, 'utf8')
    } catch (error) {
      if (isMissing(error)) return []
      throw storeFailure(layout.root, error)
    }
    try {
      return StoredKeys.parse(JSON.parse(text))
    } catch (error) {
      const message = `${layout.keys} is damaged. Mend it, or remove it and create new keys.`
      throw new AppError('unavailable', message, { cause: error })
    }
  }

  /** Reads the file again when it has changed; the folder's absence leaves known keys valid. */
  function current(): StoredKey[] {
    const now = performance.now()
    if (now - checkedAt < RECHECK_MS) return known
    checkedAt = now
    try {
      const facts = statSync(layout.keys, { throwIfNoEntry: false })
      const found = facts ? `${facts.ino}:${facts.mtimeMs}:${facts.size}` : signature
      if (found !== signature) known = read()
      signature = found
    } catch {
      // Known keys outlive an outage of their source (spec §5); `doctor` and `keys list` say what is wrong.
    }
    return known
  }

  async function change<T>(edit: (keys: StoredKey[]) => { keys: StoredKey[]; result: T }): Promise<T> {
    try {
      return await withLock('keys', async (stillHeld) => {
        const { keys, result } = edit(read())
        stillHeld()
        await replaceFile(layout, layout.keys, `${JSON.stringify(keys, null, 2)}\n`)
        checkedAt = -Infinity
        return result
      })
    } catch (error) {
      throw error instanceof AppError ? error : storeFailure(layout.root, error)
    }
  }

  return {
    create(name, expiresAt) {
      const key = `ppath_svc_${stage}_${randomBytes(24).toString('hex')}`
      const record: ApiKey = {
        id: randomUUID().slice(0, 8),
        name,
        prefix: loggablePrefix(key),
        created_at: clock().toISOString(),
        ...(expiresAt && { expires_at: expiresAt.toISOString() }),
      }
      return change((keys) => ({
        keys: [...keys, { ...record, sha256: digest(key).toString('hex') }],
        result: { key, record },
      }))
    },

    async list() {
      return read().map(withoutHash)
    },

    revoke(idOrName) {
      return change((keys) => {
        const usable = keys.filter((key) => key.revoked_at === undefined)
        const matches = usable.filter((key) => key.id === idOrName || key.name === idOrName)
        const [match] = matches
        if (!match) throw new AppError('not_found', `No usable key has the id or name "${idOrName}".`)
        if (matches.length > 1)
          throw new AppError('conflict', `Several keys are named "${idOrName}"; give an id.`)
        const revoked = { ...match, revoked_at: clock().toISOString() }
        return { keys: keys.map((key) => (key === match ? revoked : key)), result: withoutHash(revoked) }
      })
    },

    async verify(presented) {
      // A folder may hold keys of several stages; each server takes its own only.
      if (!presented.startsWith(`ppath_svc_${stage}_`)) return undefined
      const hash = digest(presented)
      const now = clock()
      let valid: StoredKey | undefined
      // Every key is compared, in constant time, whatever the outcome.
      for (const key of current()) {
        if (timingSafeEqual(hash, Buffer.from(key.sha256, 'hex')) && isUsable(key, now)) valid = key
      }
      return valid && withoutHash(valid)
    },
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function withoutHash({ sha256: _, ...key }: StoredKey): ApiKey {
  return key
}
