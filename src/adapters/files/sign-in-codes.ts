import { hash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { SIGN_IN_CODE_MINUTES, type SignInCodes } from '../../domain/sign-in.ts'
import type { Clock } from '../../util/time.ts'
import { readTextFile, replaceFile } from './durable.ts'
import { type Layout, storeFailure } from './layout.ts'
import { isMissing } from './working-copy.ts'

const LIFETIME_MS = SIGN_IN_CODE_MINUTES * 60_000

const StoredCode = z.object({ subject: z.string(), expires_at: z.iso.datetime() })
type StoredCode = z.infer<typeof StoredCode>

/** Codes of sign-in links: a file for each, named by its hash, so that a reader of the folder learns no code. */
export function fileSignInCodes(layout: Layout, clock: Clock): SignInCodes {
  const isExpired = ({ expires_at }: StoredCode) => expires_at <= clock().toISOString()

  /** Removes expired and unreadable codes. */
  async function sweep(): Promise<void> {
    for (const name of readdirSync(layout.signIn)) {
      const path = join(layout.signIn, name)
      const code = readCode(layout, path)
      if (!code || isExpired(code)) await rm(path, { force: true })
    }
  }

  return {
    async issue(subject) {
      const code = randomBytes(32).toString('base64url')
      const stored: StoredCode = {
        subject,
        expires_at: new Date(clock().getTime() + LIFETIME_MS).toISOString(),
      }
      try {
        await sweep()
        await replaceFile(layout, layout.signInCode(hash('sha256', code)), `${JSON.stringify(stored)}\n`)
      } catch (error) {
        throw storeFailure(layout.root, error)
      }
      return code
    },

    async redeem(code) {
      const path = layout.signInCode(hash('sha256', code))
      const stored = readCode(layout, path)
      if (!stored) return undefined
      try {
        // Of several processes that try at the same time just one removes the file.
        await unlink(path)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw storeFailure(layout.root, error)
      }
      return isExpired(stored) ? undefined : { subject: stored.subject }
    },
  }
}

function readCode({ root, own }: Layout, path: string): StoredCode | undefined {
  try {
    return StoredCode.parse(JSON.parse(readTextFile(path)))
  } catch (error) {
    if (!existsSync(own)) throw storeFailure(root, error)
    return undefined
  }
}
