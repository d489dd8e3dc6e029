import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(ROOT, name), 'utf8') }))

/** What the files of a layer, the most special one first, may import. */
const MAY_IMPORT: [layer: RegExp, imports: RegExp][] = [
  [/^util\//, /^util\//],
  [/^domain\//, /^(util|domain)\//],
  [/^services\//, /^(util|domain|services)\//],
  [/^pipeline\//, /^(util|domain|services|pipeline)\//],
  [/^operations\//, /^(util|domain|services|pipeline|operations)\//],
  [/^adapters\//, /^(util|domain|adapters)\//],
  [/^deployment\//, /^(config\.ts|(util|domain|adapters|deployment)\/)/],
  [/^backends\//, /^(config\.ts|(util|domain|adapters|deployment|backends)\/)/],
  [/^config\.ts/, /^(settings\.ts|setting-kinds\.ts|(util|domain)\/)/],
  [/^settings\.ts/, /^setting-kinds\.ts/],
  [/^setting-kinds\.ts/, /^(util|domain)\//],
  [/^transport\//, /^(config\.ts|(util|domain|services|pipeline|operations|transport)\/)/],
  // A page in a browser: what it knows of the server it asks over REST, but for the grammar of templates.
  [/^web\//, /^(web\/|domain\/(names|template\/(check|tags))\.ts)/],
  [/^(cli|lambda)\//, /./],
  [/^(app|http-app|main)\.ts/, /./],
]

const codeOf = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*|'(?:[^'\\\n]|\\.)*'/gm, '')
/** `file: line` of every line of code that matches. */
const linesWith = (pattern: RegExp, strip = codeOf) =>
  files.flatMap(({ name, text }) =>
    strip(text)
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  )
const filesWith = (pattern: RegExp) => [...new Set(linesWith(pattern).map((line) => line.split(':')[0]))]

/** The files of `src` that a file imports, types included. */
const importsOf = ({ name, text }: { name: string; text: string }) =>
  [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)]
    .map(([, path]) => relative(ROOT, join(ROOT, name, '..', path as string)).replaceAll('\\', '/'))
    .filter((path) => !path.startsWith('..'))

it('every file imports only what its layer may know', () => {
  const wrong = files.flatMap((file) => {
    const rule = MAY_IMPORT.find(([layer]) => layer.test(file.name))
    return importsOf(file)
      .filter((path) => !rule?.[1].test(path))
      .map((path) => `${file.name} → ${path}`)
  })
  expect(files.length).toBeGreaterThan(40)
  expect(wrong).toEqual([])
})

it('no file imports itself by way of others', () => {
  const imports = new Map(files.map((file) => [file.name, importsOf(file)]))
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: string[]) => {
    const start = path.indexOf(name)
    if (start !== -1) circles.push([...path.slice(start), name].join(' → '))
    if (start !== -1 || done.has(name)) return
    for (const next of imports.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const { name } of files) visit(name, [])
  expect(circles).toEqual([])
})

it('no file is longer than 350 lines', () =>
  expect(files.filter(({ text }) => text.split('\n').length > 351).map(({ name }) => name)).toEqual([]))

it('the environment is read by the entry points alone', () =>
  expect(filesWith(/process\.env|\bprocess\[/).sort()).toEqual(['lambda/rotation.ts', 'main.ts']))

it('stdout belongs to the printer and the stdio transport, and is handed over once', () =>
  expect(filesWith(/\bstdout\b/).sort()).toEqual(['cli/output.ts', 'cli/stdio.ts', 'main.ts']))

it('the command line knows its process by what it is given', () =>
  expect(filesWith(/\bprocess\.(stdin|stdout|stderr|argv|exitCode)\b/)).toEqual(['main.ts']))

it('nothing is typed any', () => expect(linesWith(/[:<|,=(]\s*any\b|\bas any\b/)).toEqual([]))

it('nothing prints past the logger', () =>
  expect(linesWith(/\bconsole\b/).map((line) => line.split(':')[0])).toEqual(['cli/stdio.ts']))

it('zod is imported whole, or its forty languages become part of every start', () =>
  expect(linesWith(/import (?!(type )?\* as z).* from 'zod'/, (text) => text)).toEqual([]))
