import { execFile } from 'node:child_process'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { sharedApi } from '../helpers/api.ts'
import { tempFolder } from '../helpers/folders.ts'
import { environmentOf, PROGRAM } from '../helpers/program.ts'
import { pages } from './pages.ts'

const [, workflow = ''] = /```yaml\n([\s\S]*?)\n```/.exec(pages.get('docs/git.md') ?? '') ?? []
/** The commands of the workflow, in order. */
const commands = [...workflow.matchAll(/run: (?:\|\n +)?(.*npx purposepath-prompts.*)/g)].map(
  ([, line = '']) => line,
)

const server = sharedApi()

/** Runs a command of the workflow by its shell, with the program of this folder for the published one. */
async function run(command: string, cwd: string, token: string): Promise<{ code: number; output: string }> {
  const bin = await tempFolder()
  const npx = join(bin, 'npx')
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`)
  await chmod(npx, 0o755)
  const env = environmentOf({
    PATH: `${bin}:${process.env['PATH']}`,
    SERVER_URL: server.url,
    PROMPTS_TOKEN: token,
    GITHUB_STEP_SUMMARY: join(cwd, 'summary'),
  })
  try {
    const { stdout, stderr } = await promisify(execFile)('bash', ['-eo', 'pipefail', '-c', command], {
      cwd,
      env,
    })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, output: stdout + stderr }
  }
}

test('the workflow of docs/git.md checks, shows and publishes', async () => {
  const [check = '', diff = '', push = '', ...others] = commands
  expect(others).toEqual([])
  const published = [...workflow.matchAll(/purposepath-prompts@(\S+)/g)].map(([, version]) => version)
  expect([...new Set(published)]).toEqual([packageJson.version])
  const folder = await tempFolder()
  const text = join(folder, 'prompts/prompts/vision/user.md')
  const pulled = await run(`npx x pull ./prompts --from "$SERVER_URL"`, folder, server.token)
  expect(pulled.code).toBe(0)
  await mkdir(join(text, '..'), { recursive: true })
  await writeFile(text, 'Hello {{user_nmae}}')
  expect(await run(check, folder, '')).toMatchObject({
    code: 2,
    output: expect.stringContaining('user_nmae'),
  })
  await writeFile(text, 'Hello {{user_name}}\n')
  expect((await run(check, folder, '')).code).toBe(0)
  expect((await run(diff, folder, server.key)).code).toBe(0)
  const summary = await run('cat summary && rm summary', folder, '')
  expect(summary.output).toMatch(/^```diff\n--- http[\s\S]*\n\+Hello \{\{user_name\}\}\n[\s\S]*```\n$/)
  expect((await run(push, folder, server.token)).code).toBe(0)
  expect((await run(diff, folder, server.key)).output).toContain('The same')
  expect((await run(diff, folder, 'ppath_svc_dev_wrong')).code).not.toBe(0)
  await rm(join(folder, 'summary'))
}, 60_000)
