#!/usr/bin/env node
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Node 22 and later keep compiled code between starts; earlier ones have no such function.
const { enableCompileCache } = module as { enableCompileCache?: () => void }
enableCompileCache?.()

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
