#!/usr/bin/env node
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Everything else is loaded after this check: it uses what older versions of Node.js do not have. This file itself must
// be one that they can read: no await outside a function, no `?.` and `??`.
const found = process.versions.node
const [major = 0, minor = 0] = found.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`purposepath-prompts needs Node.js 20.19 or later; this is ${found}.\n`)
  process.exitCode = 2
} else {
  start()
}

async function start(): Promise<void> {
  // Node 22 and later keep compiled code between starts; earlier ones have no such function.
  const { enableCompileCache } = module as { enableCompileCache?: () => void }
  if (enableCompileCache !== undefined) enableCompileCache()

  const { run } = await import('./cli/run.ts')
  process.exitCode = await run(process.argv.slice(2), {
    // Node opens a stream when it is first asked for, which takes time: most commands need not all of them.
    get stdin() {
      return process.stdin
    },
    get stdout() {
      return process.stdout
    },
    get stderr() {
      return process.stderr
    },
    env: process.env,
    // Both src/main.ts and dist/main.js stand one level below the package.
    packageRoot: fileURLToPath(new URL('..', import.meta.url)),
  })
}
