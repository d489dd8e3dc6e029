#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { run } from './transport/cli/run.ts'

// Both src/main.ts and dist/main.js stand one level below the package.
process.exitCode = await run(process.argv, { packageRoot: fileURLToPath(new URL('..', import.meta.url)) })
