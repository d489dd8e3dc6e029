import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../helpers/program.ts'

const ROW = /^\| .+ \| `([\w./-]+\.ts)` \| (.+) \|$/gm

const page = await readFile(join(PACKAGE_ROOT, 'SECURITY.md'), 'utf8')
const [, table = ''] = page.split('## Attacks that are tried')
const rows = [...table.matchAll(ROW)].map(([, file = '', name = '']) => ({ file, name }))

it('every attack in SECURITY.md has a row that this test can read', () => {
  const lines = table.split('\n').filter((line) => line.startsWith('|'))
  // Two lines are the table's head.
  expect(rows).toHaveLength(lines.length - 2)
  expect(rows.length).toBeGreaterThan(0)
})

it.each(rows)('$file tries: $name', async ({ file, name }) => {
  const text = await readFile(join(PACKAGE_ROOT, 'test', file), 'utf8')
  expect(namesOf(text)).toContain(name)
})

/** Names of the tests of a file that run: what follows `test(` or `it(`, or the parenthesis after their `.each(…)`. */
function namesOf(text: string): string[] {
  const names = text.matchAll(/(?:\b(?:test|it)|\))\(\s*(['"`])((?:(?!\1)[^\n\\]|\\.)+)\1\s*,/g)
  return [...names].map(([, , name = '']) => name)
}
