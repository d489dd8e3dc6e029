import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'

/** Every command with its options and arguments, as its help has to name them. */
const COMMANDS: [command: string, names: string[]][] = [
  [
    '',
    [
      '--version',
      'stdio',
      'serve',
      'seed',
      'import',
      'export',
      'check',
      'diff',
      'push',
      'pull',
      'keys',
      'token',
    ],
  ],
  ['', ['login', 'chat', 'conversations', 'provision', 'doctor', 'topics', 'prompts']],
  ['stdio', ['--read-only']],
  ['serve', ['--host <address>', '--port <number>', 'PROMPTS_HOST', 'PROMPTS_PORT']],
  ['seed', ['--json']],
  ['import', ['[path]', '--from <url>', '--dry-run', '--escape', '--json']],
  ['export', ['<path>']],
  ['check', ['<path>', '--json']],
  ['diff', ['<folder>', '--to <url>', '--token-file <path>', '--json']],
  ['push', ['<folder>', '--to <url>', '--token-file <path>', '--prune', '--dry-run', '--json']],
  ['pull', ['<folder>', '--from <url>', '--token-file <path>', '--prune']],
  ['chat', ['[topic_id]', '--resume <id>', '--param <name=value>', '--parameters <json>', '--json']],
  ['conversations', ['list', 'export', 'erase']],
  ['keys', ['create', 'list', 'revoke', 'rotate']],
  ['keys create', ['--name <name>', '--ttl <time>']],
  ['keys list', ['--json']],
  ['keys revoke', ['[id-or-name]', '--previous']],
  ['doctor', ['doctor']],
  ['topics', ['list', 'get']],
  [
    'topics list',
    [
      '--topic-type',
      '--category',
      '--is-active',
      '--deleted',
      '--q',
      '--in-texts',
      '--cursor',
      '--limit',
      '--json',
    ],
  ],
  ['topics get', ['<topic_id>', '--json']],
  ['prompts', ['fetch', 'batch', 'render']],
  ['prompts fetch', ['<topic_id>', '--include-parameters', '--json']],
  ['prompts batch', ['--topic-ids', '--json']],
  ['prompts render', ['<topic_id>', '--param <name=value>', '--parameters', '@file', '--json']],
]

async function run(...words: string[]) {
  const folder = await folderWith(
    topicContent('kpi', { user: 'K' }),
    topicContent('plain', { user: 'P' }),
    topicContent('a'.repeat(64), { user: 'A' }),
  )
  return runCommand(words, { PROMPTS_DATA_DIR: folder })
}

interface Batch {
  data: Record<string, unknown>
  errors?: Record<string, { code: string; detail: string }>
}

async function batch(ids: unknown): Promise<Batch> {
  const { code, stdout } = await run('prompts', 'batch', '--topic-ids', JSON.stringify(ids), '--json')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Batch
}

describe('help', () => {
  test.each(COMMANDS)('of "%s" names its words and makes no store', async (command, names) => {
    const home = await tempFolder()
    const settings = { PROMPTS_DATA_DIR: join(home, 'data'), HOME: home, XDG_DATA_HOME: undefined }
    const words = command.split(' ').filter(Boolean)
    const { code, stdout, stderr } = await runCommand([...words, '--help'], settings)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Usage: ${['purposepath-prompts', ...words].join(' ')}`))
    for (const name of names) expect(stdout).toContain(name)
    expect(existsSync(join(home, 'data')) || existsSync(join(home, '.local'))).toBe(false)
  })

  test.each(COMMANDS.slice(2))('of "%s" describes each option and argument', async (command) => {
    const { stdout } = await runCommand([...command.split(' '), '--help'], {})
    const bare = stdout.split('\n').filter((line) => /^ {2}(-\S|\w\S*|<)\S*( [<[]\S+)?$/.test(line))
    expect(bare).toEqual([])
  })

  test('works in spite of a wrong setting', async () => {
    const { code, stdout } = await runCommand(['topics', 'list', '--help'], { PROMPTS_PORT: 'abc' })
    expect(code).toBe(0)
    expect(stdout).toContain('--topic-type')
  })
})

test.each(['--version', '-V'])('%s prints the version alone', async (word) => {
  const { code, stdout, stderr } = await runCommand([word], {})
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' })
})

test.each([
  [['topics', 'list', '--bogus'], '--bogus'],
  [['topics', 'list', 'surplus'], 'too many arguments'],
  [['topics', 'get'], 'topic_id'],
  [['topics', 'forget'], 'forget'],
  [['nonsense'], 'nonsense'],
  [['export'], 'path'],
  [['topics'], 'Usage: purposepath-prompts topics'],
  [[], 'Usage: purposepath-prompts'],
])('the words %j are refused with exit code 2 and nothing on stdout', async (words, said) => {
  const { code, stdout, stderr } = await run(...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(said)
})

describe('topics list', () => {
  test('filters by what the words say', async () => {
    const listed = async (...words: string[]) => {
      const { data } = JSON.parse((await run('topics', 'list', ...words, '--json')).stdout) as {
        data: { topic_id: string }[]
      }
      return data.map(({ topic_id }) => topic_id)
    }
    expect(await listed('--topic-type', 'kpi_system')).toEqual([])
    expect(await listed('--topic-type', 'single_shot', '--q', 'PLAI')).toEqual(['plain'])
    expect(await listed('--is-active', 'false')).toEqual([])
    expect(await listed('--is-active', '--limit', '2')).toEqual(['a'.repeat(64), 'kpi'])
  })

  test.each([
    ['--limit', '0', 'limit: expected at least 1.'],
    ['--limit', '501', 'limit: expected at most 500.'],
    ['--cursor', 'x', 'cursor: is not a cursor of this list.'],
  ])('refuses %s %s and says what was expected', async (option, value, sentence) => {
    const { code, stdout, stderr } = await run('topics', 'list', option, value)
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `Invalid input: ${sentence}\n` })
  })

  test.each([
    ['--limit', 'x', 'limit'],
    ['--limit', '1.5', 'limit'],
    ['--is-active', 'maybe', 'is_active'],
  ])('does not call it missing when it gets %s %s', async (option, value, path) => {
    const { code, stdout, stderr } = await run('topics', 'list', option, value)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^Invalid input: ${path}: [^\\n]+\\n$`))
    expect(stderr).not.toContain('missing')
  })
})

describe('topic ids', () => {
  test.each(['a/b', '../../etc/passwd', 'a'.repeat(65), '__proto__', 'constructor', 'UPPER', ''])(
    '%j are refused as input',
    async (id) => {
      for (const words of [
        ['topics', 'get'],
        ['prompts', 'fetch'],
        ['prompts', 'render'],
      ]) {
        const { code, stdout, stderr } = await run(...words, id)
        expect({ words, code, stdout }).toEqual({ words, code: 2, stdout: '' })
        expect(stderr).toMatch(/^Invalid input: topic_id: [^\n]+\n$/)
      }
    },
  )

  test('of 64 characters are found, and unknown ones are not', async () => {
    expect((await run('prompts', 'fetch', 'a'.repeat(64))).code).toBe(0)
    expect((await run('prompts', 'fetch', 'b'.repeat(64))).code).toBe(4)
  })
})

describe('prompts batch', () => {
  test('answers each id once, with errors of its own for what it cannot have', async () => {
    const answer = await batch(['kpi', 'plain', 'kpi', 'nope', 'a/b', '__proto__', 'a'.repeat(65)])
    expect(answer.data).toEqual({ kpi: { prompts: { user: 'K' } }, plain: { prompts: { user: 'P' } } })
    const codes = Object.entries(answer.errors ?? {}).map(([id, { code }]) => [id, code])
    expect(codes).toEqual([
      ['nope', 'not_found'],
      ['a/b', 'invalid_input'],
      ['__proto__', 'invalid_input'],
      ['a'.repeat(65), 'invalid_input'],
    ])
  })

  test('answers one id and a hundred', async () => {
    expect(await batch(['kpi'])).toEqual({ data: { kpi: { prompts: { user: 'K' } } } })
    const hundred = ['kpi', ...Array.from({ length: 99 }, (_, number) => `t${number}`)]
    const { data, errors } = await batch(hundred)
    expect([Object.keys(data), Object.keys(errors ?? {}).length]).toEqual([['kpi'], 99])
  })

  test.each([
    ['[]', 'topic_ids'],
    [JSON.stringify(Array.from({ length: 101 }, (_, number) => `t${number}`)), 'topic_ids'],
    ['kpi', 'topic_ids'],
    ['{"a": 1}', 'topic_ids'],
    ['["kpi", 5]', 'topic_ids.1'],
  ])('refuses the ids %.20s', async (ids, path) => {
    const { code, stdout, stderr } = await run('prompts', 'batch', '--topic-ids', ids, '--json')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ code: 'invalid_input', errors: [{ path }] })
  })

  test('needs ids', async () => {
    const { code, stderr } = await run('prompts', 'batch')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'Invalid input: topic_ids: is missing; expected array.\n',
    })
  })
})
