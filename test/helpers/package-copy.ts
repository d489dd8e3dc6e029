import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { tempFolder } from './folders.ts'
import { type Environment, environmentOf, type Finished, PACKAGE_ROOT } from './program.ts'

/** The program installed somewhere else. */
export interface PackageCopy {
  root: string
  seeds: string
  /** Runs it to its end, as user and group `uid` if given. */
  run(words: readonly string[], settings: Environment, uid?: number): Promise<Finished>
}

/** Copies the built program and its seeds to a folder that every user may read; gone after the test. */
export async function copyPackage(): Promise<PackageCopy> {
  const root = await tempFolder()
  await chmod(root, 0o755)
  for (const name of ['dist', 'seeds', 'package.json']) {
    await cp(join(PACKAGE_ROOT, name), join(root, name), { recursive: true })
  }
  return {
    root,
    seeds: join(root, 'seeds'),
    async run(words, settings, uid) {
      const child = spawn(process.execPath, [join(root, 'dist/main.js'), ...words], {
        env: environmentOf(settings),
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(uid !== undefined && { uid, gid: uid }),
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      const [[code], stdout, stderr] = await Promise.all([
        once(child, 'close') as Promise<[number | null]>,
        text(child.stdout),
        text(child.stderr),
      ])
      return { code, stdout, stderr }
    },
  }
}
