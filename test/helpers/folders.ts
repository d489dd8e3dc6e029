import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { AtEnd } from './at-end.ts'

/** A new empty folder that is gone after the test, or when `atEnd` calls. */
export async function tempFolder(atEnd: AtEnd = onTestFinished): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'purposepath-'))
  atEnd(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}
