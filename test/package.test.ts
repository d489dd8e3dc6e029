import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { PACKAGE_ROOT } from './helpers/program.ts'

it('needs nothing installed beside it: the bundle holds all', () => {
  expect(packageJson).not.toHaveProperty('dependencies')
})

it('names every package in the bundle, with its licence', () => {
  const notices = readFileSync(join(PACKAGE_ROOT, 'dist', 'THIRD-PARTY-NOTICES'), 'utf8')
  const sources = readdirSync(join(PACKAGE_ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('vite.config.ts'))
    .map((name) => readFileSync(join(PACKAGE_ROOT, 'src', name), 'utf8'))
  const imported = sources.flatMap((text) =>
    // Types alone leave nothing in the bundle.
    [...text.matchAll(/^import (?!type )[^;]*? from '((?:@[^/']+\/)?[^./'][^/']*)/gm)].map(
      ([, name]) => name,
    ),
  )
  // React's interface, as Preact has it.
  const bundled = imported.map((name) => (/^react(-dom)?$/.test(name ?? '') ? 'preact' : name))
  const packages = [...new Set(bundled)].filter((name) => !name?.startsWith('node:'))
  expect(packages.length).toBeGreaterThan(15)
  for (const name of packages) expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\S+ \\(`, 'm'))
  expect(notices).toContain('swagger-ui (Apache-2.0)')
})
