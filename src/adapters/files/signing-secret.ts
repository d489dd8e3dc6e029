import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AppError } from '../../domain/errors.ts'
import { replaceFile } from './durable.ts'
import { type Layout, storeFailure } from './layout.ts'
import { fileLocks } from './lock.ts'
import { type Outages, SHORT, watchedFile } from './watched-file.ts'
import { isMissing } from './working-copy.ts'

/** HS256 needs a secret as long as its hash (RFC 7518, section 3.2). */
export const LEAST_BYTES = 32

/** What this installation signs its own tokens and sessions with. */
export interface SigningSecret {
  /**
   * The secret as it is now; `undefined` when none was ever needed.
   *
   * @throws AppError `unavailable` when it is there and cannot be read.
   */
  current(): Promise<Uint8Array | undefined>

  /**
   * The secret, which is made if there is none yet and it is ours to make.
   *
   * @throws AppError `unavailable`
   */
  obtain(): Promise<Uint8Array>
}

/** The secret of a stage, in a file of the data folder that only its owner may read. */
export function localSecret(layout: Layout, stage: string, outages: Outages = SHORT): SigningSecret {
  const path = layout.jwtSecret(stage)
  const withLock = fileLocks(layout)
  const file = watchedFile<Uint8Array | undefined>(path, read, undefined, outages)

  function read(): Uint8Array | undefined {
    let text: string
    try {
      text = readFileSync(path, 'utf8').trim()
    } catch (error) {
      if (isMissing(error)) return undefined
      throw storeFailure(layout.root, error)
    }
    const secret = Buffer.from(text)
    if (secret.length >= LEAST_BYTES) return secret
    const message = `${path} is invalid: expected at least ${LEAST_BYTES} characters. Fix it, or remove it: tokens and sessions that were signed with it end then.`
    throw new AppError('unavailable', message)
  }

  /** Under the lock, so that of several processes that need a secret all get the same one. */
  async function make(): Promise<Uint8Array> {
    try {
      return await withLock(`jwt-secret-${stage}`, async (stillHeld) => {
        const found = read()
        if (found) return found
        const text = randomBytes(LEAST_BYTES).toString('base64url')
        stillHeld()
        await replaceFile(layout, path, `${text}\n`, 0o600)
        return Buffer.from(text)
      })
    } catch (error) {
      throw error instanceof AppError ? error : storeFailure(layout.root, error)
    } finally {
      file.lookAgain()
    }
  }

  const known = () => file.current() ?? read()
  return { current: async () => known(), obtain: async () => known() ?? make() }
}

/** A secret for one purpose: what is signed for another is worth nothing here. */
export function derived(secret: Uint8Array, purpose: string): Uint8Array {
  return createHmac('sha256', secret).update(`purposepath-prompts ${purpose}`).digest()
}
