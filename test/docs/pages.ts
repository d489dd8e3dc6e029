import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../helpers/program.ts'

/** Every document, by its path in the package: those at the root and those of `docs/`. */
export const pages: ReadonlyMap<string, string> = new Map(
  ['.', 'docs'].flatMap((folder) =>
    readdirSync(join(PACKAGE_ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name))
      .map((path) => [path, readFileSync(join(PACKAGE_ROOT, path), 'utf8')] as const),
  ),
)

/**
 * The cells of all tables whose first column is called `head`, without those heads; row by row.
 *
 * @throws Error when there is no such table.
 */
export function tableRows(path: string, head: string): string[][] {
  const rows: string[][] = []
  let inTable = false
  for (const line of (pages.get(path) ?? '').split('\n')) {
    const cells = line.startsWith('|') ? cellsOf(line) : undefined
    if (cells && /^-+$/.test(cells[0] ?? '')) continue
    if (cells?.[0] === head) inTable = true
    else if (!cells) inTable = false
    else if (inTable) rows.push(cells)
  }
  if (rows.length === 0) throw new Error(`${path} has no table of "${head}".`)
  return rows
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** What stands in backticks in a cell. */
export function codesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string)
}

/** A document without its blocks of code. */
export function proseOf(page: string): string {
  return page.replace(/^( *)```[\s\S]*?^\1```$/gm, '')
}
