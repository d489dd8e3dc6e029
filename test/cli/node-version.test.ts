import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { PACKAGE_ROOT } from '../helpers/program.ts'

/** Runs the built program under a version that Node.js only claims to be. */
function runUnder(version: string, words: string[]) {
  const claim = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const main = join(PACKAGE_ROOT, 'dist/main.js')
  const args = ['--import', `data:text/javascript,${encodeURIComponent(claim)}`, main, ...words]
  return spawnSync(process.execPath, args, { encoding: 'utf8', input: '' })
}

test.each([
  ['18.20.8', 'stdio'],
  ['20.18.3', '--version'],
])('Node.js %s is too old for %s: one line, exit code 2', (version, word) => {
  const { status, stdout, stderr } = runUnder(version, [word])
  const [, needed] = packageJson.engines.node.split('>=')
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: `purposepath-prompts needs Node.js ${needed} or later; this is ${version}.\n`,
  })
})

test('the oldest version that is supported runs', () => {
  expect(runUnder('20.19.0', ['--version']).status).toBe(0)
})
