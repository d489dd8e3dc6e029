import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { ParameterDefinitions } from '../../src/domain/parameters.ts'
import { tempFolder } from '../helpers/folders.ts'
import { environmentOf, PROGRAM, runProgram } from '../helpers/program.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

// What a command does is tested in this process, with runCommand. Here each group runs once as people run it.
describe('the program', () => {
  test.each<[words: string[], code: number, stdout: RegExp, stderr: RegExp]>([
    [['topics', 'get', 'nope'], 4, /^$/, /^Not found: There is no topic "nope"\.\n$/],
    [['prompts', 'fetch', 'greet', '--json'], 0, /^\{\n {2}"data": \{[\s\S]*\}\n$/, /^$/],
    [['seed', '--json'], 0, /^\{\n {2}"data": \[[\s\S]*\}\n$/, /^$/],
    [['import', '/nowhere'], 4, /^$/, /^Not found: [^\n]+\n$/],
    [['export'], 2, /^$/, /^error: missing required argument 'path'\n$/],
    [['provision'], 2, /^$/, /^Invalid input: There is nothing to provision: [^\n]+\n$/],
    [['keys', 'create', '--name', 'x'], 0, /^ppath_svc_dev_[0-9a-f]{48}\n$/, /^Created key [^\n]+\n$/],
    [['token', '--role', 'root'], 2, /^$/, /^Invalid input: role: [^\n]+\n$/],
    [
      ['login'],
      0,
      /^http:\/\/127\.0\.0\.1:3000\/admin\/sign-in\?code=[\w-]{43}\n$/,
      /^It works once[^\n]+\n$/,
    ],
    [['doctor'], 0, /^ok {4}Node\.js [\s\S]*note {2}No API key yet[^\n]+\n$/, /^$/],
    [['nonsense'], 2, /^$/, /^error: unknown command 'nonsense'\n$/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  ])('prints and exits as the command line says: %j', async (words, code, stdout, stderr) => {
    const PROMPTS_DATA_DIR = await folderWith(topicContent('greet', { user: 'Hi' }))
    const finished = await runProgram(words, { PROMPTS_DATA_DIR })
    expect(finished).toEqual({
      code,
      stdout: expect.stringMatching(stdout),
      stderr: expect.stringMatching(stderr),
    })
  })

  test('reads stdin', async () => {
    const parameters = ParameterDefinitions.parse([{ name: 'who', type: 'string', required: true }])
    const PROMPTS_DATA_DIR = await folderWith(topicContent('greet', { user: 'Hi {{who}}' }, parameters))
    const words = ['prompts', 'render', 'greet', '--parameters', '-']
    const { stdout } = await runProgram(words, { PROMPTS_DATA_DIR }, '{"who": "Zoë"}')
    expect(stdout).toContain('Hi Zoë\n')
  })

  test.runIf(process.platform === 'linux')('makes no store to show help', async () => {
    const HOME = await tempFolder()
    const settings = { PROMPTS_DATA_DIR: undefined, HOME, XDG_DATA_HOME: undefined }
    const { code, stdout, stderr } = await runProgram(['topics', 'list', '--help'], settings)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: purposepath-prompts topics list/)
    expect(existsSync(join(HOME, '.local'))).toBe(false)
  })

  test('ends well when its reader has read enough, as head does', async () => {
    const env = environmentOf({ PROMPTS_DATA_DIR: await tempFolder() })
    for (const words of [['topics', 'list', '--json'], ['--help']]) {
      const child = spawn(process.execPath, [PROGRAM, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.destroy()
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
    }
  })

  test.each([
    [{ NO_COLOR: undefined, FORCE_COLOR: '1' }, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [{ NO_COLOR: undefined, FORCE_COLOR: undefined, CI: undefined }, false],
  ])('takes the colours of its environment: %j', async (settings, isColored) => {
    const { stdout } = await runProgram(['doctor'], { PROMPTS_DATA_DIR: await tempFolder(), ...settings })
    expect(stdout.includes('\u001b[32mok\u001b[39m')).toBe(isColored)
  })
})
