import { randomBytes } from 'node:crypto'
import { AppError } from '../../domain/errors.ts'
import { MIN_SECRET_BYTES, type SigningSecret } from '../../domain/tokens.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'
import { readTextFile, replaceFile } from './durable.ts'
import { type Layout, storeFailure } from './layout.ts'
import { fileLocks } from './lock.ts'
import { SHORT_LIVED, watchedFile } from './watched-file.ts'
import { isMissing } from './working-copy.ts'

/** The secret of a stage, in a file of the data folder that only its owner may read. */
export function localSecret(
  layout: Layout,
  stage: string,
  outages: OutageOptions = SHORT_LIVED,
): SigningSecret {
  const path = layout.jwtSecret(stage)
  const withLock = fileLocks(layout)
  const file = watchedFile<Uint8Array | undefined>(path, read, undefined, outages)

  function read(): Uint8Array | undefined {
    let text: string
    try {
      text = readTextFile(path).trim()
    } catch (error) {
      if (isMissing(error)) return undefined
      throw storeFailure(layout.root, error)
    }
    const secret = Buffer.from(text)
    if (secret.length >= MIN_SECRET_BYTES) return secret
    const message = `${path} is invalid: expected at least ${MIN_SECRET_BYTES} characters. Fix it, or remove it: tokens and sessions that were signed with it end then.`
    throw new AppError('unavailable', message)
  }

  /** Holds the lock, so that several processes that need a secret at the same time get the same one. */
  async function create(): Promise<Uint8Array> {
    try {
      return await withLock(`jwt-secret-${stage}`, async (stillHeld) => {
        const existing = read()
        if (existing) return existing
        const text = randomBytes(MIN_SECRET_BYTES).toString('base64url')
        stillHeld()
        await replaceFile(layout, path, `${text}\n`, 0o600)
        return Buffer.from(text)
      })
    } catch (error) {
      throw error instanceof AppError ? error : storeFailure(layout.root, error)
    } finally {
      file.reload()
    }
  }

  function current(): Uint8Array | undefined {
    const known = file.current()
    if (known) return known
    // Another process may have made one just now.
    file.reload()
    return file.current() ?? read()
  }

  return { current: async () => current(), obtain: async () => current() ?? create() }
}
