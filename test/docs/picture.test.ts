import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { tempFolder } from '../helpers/folders.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'

it('the picture of the terminal shows what the program prints; else: npm run picture', async () => {
  const drawn = join(await tempFolder(), 'terminal.svg')
  await promisify(execFile)(process.execPath, [join(PACKAGE_ROOT, 'scripts/terminal-picture.mjs'), drawn])
  const [kept, now] = await Promise.all(
    [join(PACKAGE_ROOT, 'docs/images/terminal.svg'), drawn].map((path) => readFile(path, 'utf8')),
  )
  expect(kept).toBe(now)
  expect(kept).not.toMatch(/ppath_svc_\w+_[0-9a-f]{48}/)
}, 60_000)
