import { execFile } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { tempFolder } from '../helpers/folders.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'
import { pages } from './pages.ts'

it('the picture of the terminal shows what the program prints; else: npm run picture', async () => {
  const drawn = join(await tempFolder(), 'terminal.svg')
  await promisify(execFile)(process.execPath, [join(PACKAGE_ROOT, 'scripts/terminal-picture.mjs'), drawn])
  const [kept, now] = await Promise.all(
    [join(PACKAGE_ROOT, 'docs/images/terminal.svg'), drawn].map((path) => readFile(path, 'utf8')),
  )
  expect(kept).toBe(now)
  expect(kept).not.toMatch(/ppath_svc_\w+_[0-9a-f]{48}/)
}, 60_000)

it('every picture is shown, and all of the admin page together are small; else: npm run screenshots', () => {
  const folder = join(PACKAGE_ROOT, 'docs/images')
  const names = readdirSync(folder)
  const shown = [...pages.values()].join('\n')
  expect(names.filter((name) => !shown.includes(`images/${name}`))).toEqual([])
  const bytes = names
    .filter((name) => name.endsWith('.webp'))
    .map((name) => statSync(join(folder, name)).size)
  expect(bytes.length).toBeGreaterThan(0)
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(600 * 1024)
})
