#!/usr/bin/env node
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

// Node 22 and later keep compiled code between starts; earlier ones have no such function.
const { enableCompileCache } = module as { enableCompileCache?: () => void }
enableCompileCache?.()

// By default V8 lets garbage grow to several times what is in use before it looks for it. Here that would be most of
// the memory: catalogues are large and live long. Doubling is enough, and costs no CPU that the bench can see.
setFlagsFromString('--heap-growing-percent=100')

// By default V8 lets garbage grow to several times what is in use before it looks for it. Catalogues are large and
// long-lived, garbage is not: half as much again is plenty, and costs no measurable CPU.

const { run } = await import('./transport/cli/run.ts')
// Both src/main.ts and dist/main.js stand one level below the package.
process.exitCode = await run(process.argv, { packageRoot: fileURLToPath(new URL('..', import.meta.url)) })
