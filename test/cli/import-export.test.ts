import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TopicContent } from '../../src/domain/topic.ts'
import { connect } from '../helpers/clients.ts'
import { runCommand } from '../helpers/command.ts'
import { csvFolder } from '../helpers/csv-folder.ts'
import { tempFolder } from '../helpers/folders.ts'
import { runProgram, startServer, waitFor } from '../helpers/program.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'
import { topicFilesOf, treeOf } from '../helpers/trees.ts'
import { variedTopics } from '../helpers/varied-topics.ts'

/** Runs a command on a data folder. */
function on(folder: string, ...words: string[]) {
  return runCommand(words, { PROMPTS_DATA_DIR: folder })
}

/** What an import says it does, topics counted by action. */
function actionsIn(stdout: string): Record<string, number> {
  const { data } = JSON.parse(stdout) as { data: { topic_id: string; action: string }[] }
  const counts: Record<string, number> = {}
  for (const { action } of data) counts[action] = (counts[action] ?? 0) + 1
  return counts
}

describe('import of 220 foreign prompts', () => {
  test('refuses all of them for the one with braces that are no variable, and writes nothing', async () => {
    const { path } = await csvFolder()
    const store = await tempFolder()
    const { code, stdout, stderr } = await on(store, 'import', path)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      'Invalid input: prompts/any_programming_language_to_python_converter/system.md: "code here" is not declared.\n',
    )
    expect(await topicFilesOf(store)).toEqual([])
  })

  test('reaches clients that were connected before, and renders to the foreign texts with --escape', async () => {
    const { path, collected } = await csvFolder()
    const store = await tempFolder()
    const server = await startServer({ PROMPTS_DATA_DIR: store })
    const remote = await connect(server, 'legacy')
    const local = await connect({ settings: { PROMPTS_DATA_DIR: store } }, 'legacy')
    let notified = 0
    local.setNotificationHandler('notifications/prompts/list_changed', () => void notified++)
    expect((await remote.listPrompts()).prompts).toHaveLength(6)

    const words = ['import', path, '--escape', '--json']
    const { code, stdout } = await runProgram(words, { PROMPTS_DATA_DIR: store })
    expect({ code, actions: actionsIn(stdout) }).toEqual({ code: 0, actions: { create: 220 } })
    for (const client of [remote, local]) {
      await waitFor(async () => (await client.listPrompts()).prompts.length === 226, 2_000)
    }
    await waitFor(() => notified > 0, 2_000)
    const rendered = collected.map(async ({ topic_id }) => {
      const { messages } = await remote.getPrompt({ name: topic_id })
      return messages.map(({ content }) => content)
    })
    expect(await Promise.all(rendered)).toEqual(
      collected.map(({ prompt }) => [{ type: 'text', text: prompt }]),
    )
  })

  test('changes nothing when it is done again', async () => {
    const { path } = await csvFolder()
    const store = await tempFolder()
    await on(store, 'import', path, '--escape')
    const before = await treeOf(store)
    const { code, stdout } = await on(store, 'import', path, '--escape', '--json')
    expect({ code, actions: actionsIn(stdout) }).toEqual({ code: 0, actions: { unchanged: 220 } })
    expect(await treeOf(store)).toEqual(before)
  })
})

describe('import', () => {
  test('with --dry-run says what it would do and writes nothing', async () => {
    const store = await tempFolder()
    await on(store, 'import', await folderWith(topicContent('same'), topicContent('other', { user: 'old' })))
    const before = await treeOf(store)
    const source = await folderWith(
      topicContent('same'),
      topicContent('other', { user: 'new' }),
      topicContent('added'),
    )
    const { code, stdout, stderr } = await on(store, 'import', source, '--dry-run', '--json')
    expect(JSON.parse(stdout)).toEqual({
      data: [
        { topic_id: 'added', action: 'create' },
        { topic_id: 'other', action: 'update' },
        { topic_id: 'same', action: 'unchanged' },
      ],
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Nothing was written (--dry-run).\n' })
    expect(await treeOf(store)).toEqual(before)
  })

  test('raises the revision of what differs and of nothing else', async () => {
    const store = await tempFolder()
    await on(store, 'import', await folderWith(topicContent('t', { system: 'stays', user: 'old' })))
    await on(store, 'import', await folderWith(topicContent('t', { system: 'stays', user: 'new' })))
    const { stdout } = await on(store, 'topics', 'get', 't', '--json')
    const { data } = JSON.parse(stdout) as {
      data: { revision: number; prompts: { prompt_type: string; revision: number }[] }
    }
    expect(data.revision).toBe(2)
    expect(data.prompts.map(({ prompt_type, revision }) => [prompt_type, revision])).toEqual([
      ['system', 1],
      ['user', 2],
    ])
  })

  test('names the faults of all files at once and changes nothing', async () => {
    const store = await folderWith(topicContent('good', { user: 'old' }))
    await on(store, 'topics', 'list')
    const before = await treeOf(store)
    const source = await folderWith(
      topicContent('good', { user: 'new' }),
      topicContent('undeclared', { system: 'x {{one}}\n{{two}}', user: '{{#open}}' }),
      topicContent('huge', { system: 'x'.repeat(51_201) }),
      topicContent('latin', {}),
    )
    await writeFile(join(source, 'topics/broken.json'), '{')
    await writeFile(join(source, 'topics/odd.json'), '{"topic_name": 5, "colour": "red"}')
    await writeFile(join(source, 'topics/Bad-Name.json'), '{}')
    await writeFile(join(source, 'prompts/latin/user.md'), Buffer.from([0x63, 0xe9]))
    const { code, stdout, stderr } = await on(store, 'import', source, '--json')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const { errors } = JSON.parse(stderr) as { errors: { path: string; line?: number }[] }
    expect(errors.map(({ path, line }) => (line === undefined ? path : `${path}:${line}`)).sort()).toEqual([
      'prompts/huge/system.md',
      'prompts/latin/user.md',
      'prompts/undeclared/system.md:1',
      'prompts/undeclared/system.md:2',
      'prompts/undeclared/user.md:1',
      'prompts/undeclared/user.md:1',
      'topics/Bad-Name.json',
      'topics/broken.json',
      'topics/odd.json: category',
      'topics/odd.json: colour',
      'topics/odd.json: topic_name',
      'topics/odd.json: topic_type',
    ])
    expect(await treeOf(store)).toEqual(before)
  })

  test('names every fault of a file, however many there are', async () => {
    const path = join(await tempFolder(), 'topics.json')
    await writeFile(path, JSON.stringify({ topics: Array.from({ length: 150 }, () => 'no topic') }))
    const { code, stderr } = await on(await tempFolder(), 'import', path, '--json')
    expect(code).toBe(2)
    expect(JSON.parse(stderr).errors).toHaveLength(150)
  })

  test('names each fault on a line of its own for people', async () => {
    const source = await folderWith(topicContent('t', { system: 'x {{one}}\n {{two}}' }))
    const { code, stderr } = await on(await tempFolder(), 'import', source)
    expect(code).toBe(2)
    expect(stderr.split('\n').slice(1)).toEqual([
      '  prompts/t/system.md:1:3 "one" is not declared.',
      '  prompts/t/system.md:2:2 "two" is not declared.',
      '',
    ])
  })

  test.each([
    ['a topic that it holds twice', [{ prompts: { user: 'a' } }, { prompts: { user: 'b' } }]],
    [
      'a topic of more than 16 prompts',
      [{ prompts: Object.fromEntries(Array.from({ length: 17 }, (_, number) => [`p${number}`, 'x'])) }],
    ],
  ])('refuses a file for %s', async (_, variants) => {
    const store = await tempFolder()
    const file = join(await tempFolder(), 'topics.json')
    const topics = variants.map((variant) => ({ ...topicContent('t').definition, ...variant }))
    await writeFile(file, JSON.stringify({ topics }))
    expect(await on(store, 'import', file)).toMatchObject({ code: 2, stdout: '' })
    expect(await topicFilesOf(store)).toEqual([])
  })

  test('passes over what systems and editors leave behind, and says so', async () => {
    const [store, source] = [await tempFolder(), await folderWith(topicContent('t', { user: 'x' }))]
    const leftovers = [
      'topics/.DS_Store',
      'topics/._t.json',
      'topics/t.json~',
      'topics/t.json.orig',
      'prompts/.DS_Store',
      'prompts/Thumbs.db',
      'prompts/__MACOSX/t/._user.md',
      'prompts/desktop.ini',
      'prompts/t/._user.md',
      'prompts/t/.user.md.swp',
      'prompts/t/user.md.orig',
      'prompts/t/user.md~',
    ]
    for (const path of leftovers) {
      await mkdir(dirname(join(source, path)), { recursive: true })
      await writeFile(join(source, path), 'x')
    }
    const { code, stderr } = await on(store, 'import', source)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'Passed over topics/.DS_Store, topics/._t.json, topics/t.json.orig, topics/t.json~, prompts/.DS_Store, ' +
        'prompts/Thumbs.db, prompts/__MACOSX, prompts/desktop.ini, prompts/t/._user.md, prompts/t/.user.md.swp and 2 more.\n',
    })
    const shown = (await topicFilesOf(store)).filter((path) => !path.startsWith('.'))
    expect(shown).toEqual(['prompts/t/user.md', 'topics/t.json'])
  })

  test.each([
    'topics/My-Goals.json',
    'topics/T.JSON',
    'prompts/My-Goals/system.md',
    'prompts/t/System.md',
    'prompts/t/user.txt',
    'prompts/notes.md',
    'prompts/t.json',
  ])('refuses %s, which may be meant as a part of a topic', async (path) => {
    const [store, source] = [await tempFolder(), await folderWith(topicContent('t', { user: 'x' }))]
    await mkdir(dirname(join(source, path)), { recursive: true })
    await writeFile(join(source, path), '{}')
    const { code, stderr } = await on(store, 'import', source)
    expect(code).toBe(2)
    expect(path).toContain(/^Invalid input: ([^:]+): /.exec(stderr)?.[1])
    expect(await topicFilesOf(store)).toEqual([])
  })

  test.each(['nowhere', '.'])('answers that there is nothing to import in %s', async (name) => {
    const { code, stdout, stderr } = await on(await tempFolder(), 'import', join(await tempFolder(), name))
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(/^Not found: [^\n]+\n$/)
  })
})

describe('export', () => {
  test.each(['exported', 'exported.json'])(
    'survives import into an empty store byte for byte: %s',
    async (name) => {
      const [first, second, out] = await Promise.all([tempFolder(), tempFolder(), tempFolder()])
      await on(first, 'import', await folderWith(...variedTopics()))
      const [a, b, again] = ['a', 'b', 'c'].map((copy) => join(out, copy, name)) as [string, string, string]
      for (const copy of ['a', 'b', 'c']) await mkdir(join(out, copy))
      expect((await on(first, 'export', a)).code).toBe(0)
      expect((await on(second, 'import', a)).code).toBe(0)
      expect((await on(second, 'export', b)).code).toBe(0)
      expect((await on(first, 'export', again)).code).toBe(0)
      const exported = await treeOf(join(out, 'a'))
      expect(Object.keys(exported)).toHaveLength(name.endsWith('.json') ? 1 : 6)
      expect(await treeOf(join(out, 'b'))).toEqual(exported)
      expect(await treeOf(join(out, 'c'))).toEqual(exported)
    },
  )

  test('holds what people wrote and none of our own book-keeping', async () => {
    const [store, out] = await Promise.all([tempFolder(), tempFolder()])
    const [rich] = variedTopics() as [TopicContent]
    await on(store, 'import', await folderWith(rich))
    await on(store, 'export', out)
    const files = await treeOf(out)
    expect(Object.keys(files)).toEqual(['prompts/rich/system.md', 'prompts/rich/user.md', 'topics/rich.json'])
    expect(JSON.parse(Buffer.from(files['topics/rich.json'] ?? '', 'latin1').toString())).toEqual(
      rich.definition,
    )
    expect(Buffer.from(files['prompts/rich/system.md'] ?? '', 'latin1').toString()).toBe(
      // The file began with a byte-order mark.
      rich.texts['system']?.replace(/^\uFEFF/, ''),
    )
  })

  test('holds inactive topics and no deleted ones', async () => {
    const [store, out] = await Promise.all([tempFolder(), tempFolder()])
    const source = await folderWith(topicContent('gone', { user: 'x' }), ...variedTopics())
    await on(store, 'import', source)
    await on(store, 'topics', 'delete', 'gone')
    expect(await on(store, 'export', join(out, 'x.json'))).toMatchObject({ code: 0, stdout: '' })
    const { topics } = JSON.parse((await treeOf(out))['x.json'] ?? '') as {
      topics: { topic_id: string; is_active: boolean }[]
    }
    expect(topics.map(({ topic_id, is_active }) => [topic_id, is_active])).toEqual([
      ['rich', true],
      ['inactive', false],
    ])
  })

  test('says in one line where it cannot write', async () => {
    const out = await tempFolder()
    await writeFile(join(out, 'file'), '')
    for (const path of [join(out, 'file/x.json'), join(out, 'file/folder')]) {
      const { code, stderr } = await on(await tempFolder(), 'export', path)
      expect(code).not.toBe(0)
      expect(stderr.replace(path, 'PATH')).toMatch(/^[^\n]*PATH[^\n]*\n$/)
    }
  })
})
