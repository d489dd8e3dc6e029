import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createTerminal, type Terminal } from '../../src/cli/output.ts'
import { AppError } from '../../src/domain/errors.ts'

/** What `work` prints to a terminal, or to files. */
async function printed(
  work: (terminal: Terminal) => void,
  { isTTY = true, env = { NO_COLOR: '1' } }: { isTTY?: boolean; env?: Record<string, string> } = {},
) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  for (const stream of [stdout, stderr]) Object.assign(stream, { isTTY })
  work(createTerminal({ stdin, stdout, stderr, env, packageRoot: '/' }))
  for (const stream of [stdout, stderr]) stream.end()
  return { stdout: await text(stdout), stderr: await text(stderr) }
}

const failure = new AppError('unavailable', 'The model is busy.')

test('live text is shown at a terminal alone', async () => {
  expect(await printed(({ liveText }) => expect(liveText()).toBeUndefined(), { isTTY: false })).toEqual({
    stdout: '',
    stderr: '',
  })
})

test.each<[string, (terminal: Terminal) => void]>([
  ['an answer', ({ printAnswer }) => printAnswer({ data: [] }, false)],
  ['a failure', ({ printFailure }) => printFailure(failure, false)],
])('%s that follows live text begins on a line of its own', async (_, end) => {
  const { stderr } = await printed((terminal) => {
    const listener = terminal.liveText()
    listener?.onText('one ')
    listener?.onText('two')
    end(terminal)
    end(terminal)
  })
  expect(stderr.startsWith('one two\n\n')).toBe(true)
  expect(stderr.split('\n\n')).toHaveLength(2)
})

test('live text that starts over says so', async () => {
  const { stderr } = await printed((terminal) => terminal.liveText()?.onReset())
  expect(stderr).toBe('\n[starting over]\n')
})

test('no text of a model or a topic steers a terminal; a file gets it as it is', async () => {
  const hostile = 'a\u001b[2Jb\u0007\u009bc\td\n'
  const show = (terminal: Terminal) => {
    terminal.liveText()?.onText(hostile)
    terminal.printAnswer({ data: { prompts: { user: hostile }, list: [hostile], name: hostile } }, false)
  }
  const shown = await printed(show)
  for (const written of [shown.stdout, shown.stderr]) {
    expect(written).toContain('a\ufffd[2Jb\ufffd\ufffdc\td\n')
    expect(written).not.toMatch(/[\u001b\u0007\u009b]/)
  }
  expect((await printed(show, { isTTY: false })).stdout.split(hostile)).toHaveLength(4)
})

test.each<[Record<string, string>, boolean, boolean]>([
  [{}, true, true],
  [{}, false, false],
  [{ TERM: 'dumb' }, true, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ CI: '1' }, false, true],
])('colours with %j at a terminal (%j): %j', async (env, isTTY, isColored) => {
  const { stderr } = await printed(({ printFailure }) => printFailure(failure, false), { isTTY, env })
  expect(stderr.includes('\u001b[31m')).toBe(isColored)
})
