import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import {
  type ApiKey,
  type ApiKeys,
  digestOf,
  type HashedKey,
  keyFinder,
  keyPrefix,
  loggablePrefix,
  newKey,
} from '../../domain/api-keys.ts'
import { AppError } from '../../domain/errors.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'
import type { Clock } from '../../util/time.ts'
import { readTextFile, replaceFile } from './durable.ts'
import { type Layout, storeFailure } from './layout.ts'
import { fileLocks } from './lock.ts'
import { SHORT_LIVED, watchedFile } from './watched-file.ts'
import { isMissing } from './working-copy.ts'

const StoredKeys = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    prefix: z.string(),
    created_at: z.string(),
    expires_at: z.string().optional(),
    revoked_at: z.string().optional(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
)
type StoredKey = z.infer<typeof StoredKeys>[number]

/** API keys, hashed, in the data folder. */
export function fileKeys(
  layout: Layout,
  stage: string,
  clock: Clock,
  outages: OutageOptions = SHORT_LIVED,
): ApiKeys {
  const withLock = fileLocks(layout)
  const find = keyFinder(clock)
  const prefix = keyPrefix(stage)
  const file = watchedFile<HashedKey[]>(layout.keys, () => read().map(toHashedKey), [], outages)

  function read(): StoredKey[] {
    let text: string
    try {
      text = readTextFile(layout.keys)
    } catch (error) {
      if (isMissing(error)) return []
      throw storeFailure(layout.root, error)
    }
    try {
      return StoredKeys.parse(JSON.parse(text))
    } catch (error) {
      const message = `${layout.keys} is invalid. Fix it, or remove it and create new keys.`
      throw new AppError('unavailable', message, { cause: error })
    }
  }

  async function change<T>(edit: (keys: StoredKey[]) => { keys: StoredKey[]; result: T }): Promise<T> {
    try {
      return await withLock('keys', async (stillHeld) => {
        const { keys, result } = edit(read())
        stillHeld()
        await replaceFile(layout, layout.keys, `${JSON.stringify(keys, null, 2)}\n`, 0o600)
        file.reload()
        return result
      })
    } catch (error) {
      throw error instanceof AppError ? error : storeFailure(layout.root, error)
    }
  }

  return {
    create(name, expiresAt) {
      const key = newKey(stage)
      const record = {
        id: randomUUID().slice(0, 8),
        name,
        prefix: loggablePrefix(key),
        created_at: clock().toISOString(),
        ...(expiresAt && { expires_at: expiresAt.toISOString() }),
      }
      return change((keys) => ({
        keys: [...keys, { ...record, sha256: digestOf(key).toString('hex') }],
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

    async revokePrevious() {
      throw noRotation()
    },

    async rotate() {
      throw noRotation()
    },

    areKnown: () => true,

    verify(presented) {
      // A folder may hold keys of several stages; each server accepts its own only.
      return presented.startsWith(prefix) ? find(presented, file.current()) : undefined
    },
  }
}

function noRotation(): AppError {
  const message =
    'Rotation belongs to the AWS secret (PROMPTS_STORE=aws). Here create a new key, give it to the service, then revoke the old one.'
  return new AppError('invalid_input', message)
}

function toHashedKey(key: StoredKey): HashedKey {
  return { record: withoutHash(key), digest: Buffer.from(key.sha256, 'hex') }
}

function withoutHash({ sha256: _, ...key }: StoredKey): ApiKey {
  return key
}
