#!/usr/bin/env node
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Node 22 and later keep compiled code between starts; earlier ones have no such function.
const { enableCompileCache } = module as { enableCompileCache?: () => void }
enableCompileCache?.()

const { run } = await import('./cli/run.ts')
// Both src/main.ts and dist/main.js stand one level below the package.
process.exitCode = await run(process.argv, { packageRoot: fileURLToPath(new URL('..', import.meta.url)) })
