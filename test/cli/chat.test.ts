import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ANSWER, sharedModel } from '../helpers/coaching.ts'
import { tempFolder } from '../helpers/folders.ts'
import { type Environment, environmentOf, PROGRAM, runProgram, waitFor } from '../helpers/program.ts'
import { fails, says } from '../stand-ins/openai-replies.ts'

/** Each test starts the program several times. */
vi.setConfig({ testTimeout: 60_000 })

const START = ['chat', 'core_values', '--param', 'user_name=Ana']
const RESUME = /^Go on with: purposepath-prompts chat --resume (\S+)$/m
const shared = sharedModel()

async function settings(): Promise<Environment> {
  return { ...shared.settings, PROMPTS_DATA_DIR: await tempFolder() }
}

describe('through pipes', () => {
  test('each line is a message, and stdout has just the answers', async () => {
    const own = await settings()
    const { code, stdout, stderr } = await runProgram(
      START,
      own,
      '\uFEFFHello\r\n\nMo\u2028re\n/quit\nNever\n',
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${ANSWER}\n${ANSWER}\n` })
    const [, id = ''] = RESUME.exec(stderr) ?? []
    expect(stderr.trim().split('\n')).toHaveLength(1)
    const sent = shared.model.chats.at(-1)?.body.messages.map(({ content }) => content)
    expect(sent?.slice(1)).toEqual([expect.stringMatching(/\n\nHello$/), ANSWER, 'Mo\u2028re'])
    shared.model.script(says('Thi\u2028rd'))
    const resumed = await runProgram(['chat', '--resume', id, '--json'], own, 'Third')
    expect(
      resumed.stdout
        .trim()
        .split(/[\n\u2028]/)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { data: { message: { turn: 3, content: 'Thi\u2028rd' }, remaining_turns: 17 }, meta: { attempts: 1 } },
    ])
    expect(shared.model.chats.at(-1)?.body.messages).toHaveLength(6)
  })

  test('what fails ends it with its exit code, and the conversation can be gone on with', async () => {
    const own = await settings()
    expect(await runProgram(['chat', 'core_values'], own, 'x')).toMatchObject({ code: 2, stdout: '' })
    expect(await runProgram(['chat'], own, 'x')).toMatchObject({ code: 2 })
    expect(await runProgram(['chat', 'goals', '--resume', 'x'], own, 'x')).toMatchObject({ code: 2 })
    expect(await runProgram(['chat', '--resume', 'x'], own, 'x')).toMatchObject({ code: 4 })
    shared.model.always(fails(404, { message: 'unknown' }))
    const failed = await runProgram([...START, '--json'], own, 'Hello\nMore\n')
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toMatch(RESUME)
    expect(failed.stderr).toContain('"code": "model_error"')
    expect(shared.model.chats).toHaveLength(1)
  })
})

/** Runs the command at a pseudo-terminal, as a person sees it. */
async function atTerminal(words: readonly string[], own: Environment) {
  // `script` of util-linux: its input is the keyboard.
  const command = [process.execPath, PROGRAM, ...words].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: environmentOf({ TERM: 'xterm', ...own }),
  })
  const ended = once(child, 'close') as Promise<[number]>
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const shown = () => stripVTControlCharacters(text)
  return {
    shown,
    /** Waits until this is on the screen, behind what was waited for before. */
    async sees(wanted: string) {
      await waitFor(() => shown().includes(wanted), 10_000)
      text = shown().slice(shown().indexOf(wanted) + wanted.length)
    },
    type: (keys: string) => void child.stdin.write(keys),
    ended: async () => (await ended)[0],
  }
}

describe('at a terminal', () => {
  let hasScript = false
  beforeAll(async () => {
    const child = spawn('script', ['--version'])
    hasScript = await new Promise((resolve) => {
      child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0))
    })
  })

  test('the answer appears as it comes; Ctrl-C stops it, keeps the conversation, and at the prompt ends', async ({
    skip,
  }) => {
    if (!hasScript) skip('needs `script` of util-linux')
    shared.model.script(says('One, two, three, four.', { size: 5, everyMs: 300 }))
    const terminal = await atTerminal(START, await settings())
    await terminal.sees('> ')
    terminal.type('Hello\r')
    await terminal.sees('One, ')
    expect(terminal.shown()).not.toContain('four')
    terminal.type('\x03')
    await terminal.sees('[stopped]')
    await waitFor(() => shared.model.chats[0]?.outcome === 'abandoned')
    await terminal.sees('> ')
    shared.model.script(says('Hi \x1b[2JAna.'))
    terminal.type('Again\r')
    await terminal.sees('Hi \ufffd[2JAna.')
    await terminal.sees('> ')
    const sent = shared.model.chats[1]?.body.messages.at(-1)?.content
    expect(sent).toMatch(/Hello\n\nAgain$/)
    shared.model.script(fails(404, { message: 'unknown' }))
    terminal.type('More\r')
    await terminal.sees('The model failed')
    await terminal.sees('> ')
    terminal.type('\x03')
    await terminal.sees('Go on with: purposepath-prompts chat --resume ')
    expect(await terminal.ended()).toBe(0)
  })

  test('Ctrl-D and /quit end it', async ({ skip }) => {
    if (!hasScript) skip('needs `script` of util-linux')
    const own = await settings()
    for (const keys of ['\x04', '/quit\r']) {
      const terminal = await atTerminal(START, own)
      await terminal.sees('> ')
      terminal.type(keys)
      await terminal.sees('--resume ')
      expect(await terminal.ended()).toBe(0)
    }
  })
})
