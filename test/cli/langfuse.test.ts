import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writeLangfuse } from '../../src/adapters/langfuse/file.ts'
import type { PromptVersion } from '../../src/adapters/langfuse/format.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'
import { topicFilesOf } from '../helpers/trees.ts'
import { LANGFUSE_KEYS, startLangfuse } from '../stand-ins/langfuse.ts'

const PRODUCTION = { labels: ['production', 'latest'] }
const GREETING = {
  name: 'support/Welcome-Mail',
  type: 'text',
  prompt: 'Hello {{ userName }}, {{product}}!',
  tags: ['mail'],
}
const COACH = {
  name: 'coach',
  type: 'chat',
  prompt: [
    { role: 'developer', content: 'You coach {{name}}.' },
    { role: 'system', content: 'Be brief.' },
    { type: 'placeholder', name: 'history' },
    { role: 'user', content: 'Help {{name}}.' },
    { role: 'assistant', content: 'Of course.' },
    { role: 'user', content: 'Go on.' },
  ],
  config: { model: 'gpt-4o', temperature: 0.2, stop: ['END'] },
}

/** What Langfuse exports: every version, with columns of its own. */
function exported(...versions: object[]): PromptVersion[] {
  const row = {
    projectId: 'p1',
    createdAt: '2026-01-01T00:00:00.000Z',
    isActive: null,
    config: {},
    tags: [],
    labels: [],
  }
  return versions.map(
    (version, index) => ({ ...row, id: `id${index}`, version: 1, ...version }) as unknown as PromptVersion,
  )
}

async function fileWith(versions: unknown): Promise<string> {
  const file = join(await tempFolder(), 'prompts.json')
  await writeFile(file, JSON.stringify(versions))
  return file
}

function on(folder: string, ...words: string[]) {
  return runCommand(words, { PROMPTS_DATA_DIR: folder, ...LANGFUSE_KEYS })
}

async function topic(folder: string, id: string) {
  const [record, texts] = await Promise.all([
    on(folder, 'topics', 'get', id, '--json'),
    on(folder, 'prompts', 'fetch', id, '--json'),
  ])
  return { ...JSON.parse(record.stdout).data, texts: JSON.parse(texts.stdout).data.prompts }
}

describe('import of an array that Langfuse has exported', () => {
  test('takes the versions in production and says what became of names', async () => {
    const store = await tempFolder()
    const file = await fileWith(
      exported(
        { ...GREETING, prompt: 'old' },
        { ...GREETING, version: 2, ...PRODUCTION },
        { ...GREETING, version: 3, prompt: 'draft', labels: ['latest'] },
        { ...COACH, ...PRODUCTION },
        { name: 'draft', type: 'text', prompt: 'x', labels: ['latest'] },
      ),
    )
    const { code, stdout, stderr } = await on(store, 'import', file, '--json')
    expect({ code, steps: JSON.parse(stdout).data }).toEqual({
      code: 0,
      steps: [
        { topic_id: 'support_welcome_mail', action: 'create' },
        { topic_id: 'coach', action: 'create' },
      ],
    })
    expect(stderr.split('\n')).toEqual([
      'draft: left out, no version has the label "production".',
      'support/Welcome-Mail: is topic support_welcome_mail; {{userName}} is {{user_name}}.',
      'coach: neighbouring system messages are one text; the placeholder "history" is left out; another user message is kept as "user_2", which MCP prompts do not show.',
      '',
    ])
    const required = { type: 'string', required: true }
    expect(await topic(store, 'support_welcome_mail')).toMatchObject({
      topic_name: 'support/Welcome-Mail',
      topic_type: 'single_shot',
      category: 'support',
      allowed_parameters: [
        { name: 'user_name', ...required },
        { name: 'product', ...required },
      ],
      config: { tags: ['mail'] },
      texts: { user: 'Hello {{user_name}}, {{product}}!' },
    })
    expect(await topic(store, 'coach')).toMatchObject({
      category: 'imported',
      allowed_parameters: [{ name: 'name', ...required }],
      config: { default_model: 'gpt-4o', temperature: 0.2, stop: ['END'] },
      texts: {
        system: 'You coach {{name}}.\n\nBe brief.',
        user: 'Help {{name}}.',
        assistant: 'Of course.',
        user_2: 'Go on.',
      },
    })
  })

  test('names every fault and writes nothing', async () => {
    const store = await tempFolder()
    const prompts = [
      { name: 'a b', prompt: 'x' },
      { name: 'a-b', prompt: 'x' },
      { name: '日本', prompt: 'x' },
      { name: 'json', prompt: 'Answer {{"a": 1}}' },
      { name: 'escaped', prompt: 'Write \\{{name}}' },
      { name: 'composed', prompt: '@@@langfusePrompt:name=base|label=production@@@' },
      { name: 'twins', prompt: '{{userName}} {{user_name}}' },
      { name: 'hot', prompt: 'x', config: { temperature: 9 } },
    ].map((prompt) => ({ ...prompt, ...PRODUCTION }))
    const { code, stdout, stderr } = await on(store, 'import', await fileWith(exported(...prompts)), '--json')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const problem = JSON.parse(stderr.slice(stderr.indexOf('{\n')))
    expect(problem.errors.map(({ path }: { path: string }) => path)).toEqual([
      '日本',
      'escaped',
      'composed',
      'twins: {{user_name}}',
      'hot: config.temperature',
      'a-b',
      'prompts/json/user.md',
      // The second of two names that become one is not declared.
    ])
    expect(await topicFilesOf(store)).toEqual([])
  })

  test('with --escape renders what Langfuse would', async () => {
    const store = await tempFolder()
    const text = 'Answer {{"a": 1}} or {{#if x}} for \\{{userName}} {{! no comment }}'
    await on(
      store,
      'import',
      await fileWith(exported({ name: 'json', prompt: text, ...PRODUCTION })),
      '--escape',
    )
    const { stdout } = await on(store, 'prompts', 'render', 'json', '--param', 'user_name=Ada', '--json')
    expect(JSON.parse(stdout).data.prompts.user).toBe(text.replace('{{userName}}', 'Ada'))
  })

  test('takes an array as its import would, too', async () => {
    const store = await tempFolder()
    const { code } = await on(store, 'import', await fileWith([{ name: 'bare', prompt: 'x', labels: null }]))
    expect({ code, texts: (await topic(store, 'bare')).texts }).toEqual({ code: 0, texts: { user: 'x' } })
  })

  test('refuses what is no array of prompts, naming the place', async () => {
    const { code, stderr } = await on(await tempFolder(), 'import', await fileWith([{ name: 'x' }, 5]))
    expect(code).toBe(2)
    expect(stderr).toContain('0.prompt')
  })
})

describe('import from the public API of Langfuse', () => {
  test('reads all pages, waits when it is asked to, and imports what is in production', async () => {
    const store = await tempFolder()
    const versions = exported(
      { ...GREETING, ...PRODUCTION },
      { ...COACH, ...PRODUCTION },
      { name: 'draft', prompt: 'x', labels: ['latest'] },
    )
    const server = await startLangfuse(versions)
    const { code, stdout, stderr } = await on(store, 'import', '--from', `${server.url}/`, '--json')
    expect({
      code,
      ids: JSON.parse(stdout).data.map(({ topic_id }: { topic_id: string }) => topic_id),
    }).toEqual({
      code: 0,
      ids: ['support_welcome_mail', 'coach'],
    })
    expect(stderr).toContain('draft: left out')
    expect(server.requests).toEqual([
      '/api/public/v2/prompts?page=1&limit=100',
      '/api/public/v2/prompts/support%2FWelcome-Mail?label=production',
      '/api/public/v2/prompts/coach?label=production',
      '/api/public/v2/prompts?page=2&limit=100',
    ])
  })

  test.each([
    [{ LANGFUSE_SECRET_KEY: undefined }, 2, 'LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are missing'],
    [{ LANGFUSE_SECRET_KEY: 'wrong' }, 3, 'Langfuse refuses the keys.'],
  ])('with the keys %j ends with %i', async (keys, exit, message) => {
    const { url } = await startLangfuse([])
    const settings = { PROMPTS_DATA_DIR: await tempFolder(), ...LANGFUSE_KEYS, ...keys }
    const { code, stderr } = await runCommand(['import', '--from', url], settings)
    expect(code).toBe(exit)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('sk-lf-1')
  })

  test.each(['http://langfuse.example.com', 'ftp://127.0.0.1', 'langfuse'])(
    'never sends keys to %s',
    async (url) => {
      const { code, stderr } = await on(await tempFolder(), 'import', '--from', url)
      expect(code).toBe(2)
      expect(stderr).toContain('from: expected an http')
    },
  )

  test('says what cannot be reached', async () => {
    const { code, stderr } = await on(await tempFolder(), 'import', '--from', 'http://127.0.0.1:1')
    expect(code).toBe(1)
    expect(stderr).toContain('Cannot reach http://127.0.0.1:1')
  })
})

describe('export for Langfuse', () => {
  test('is what its import takes, and comes back as the same texts', async () => {
    const [store, again, out] = await Promise.all([tempFolder(), tempFolder(), tempFolder()])
    const texts = { system: 'Be {{tone}}.', user: 'Write \\{{name}}.', assistant: 'Yes.', user_2: 'More.' }
    const tone = { name: 'tone', type: 'string' as const, required: true }
    const source = await folderWith(
      topicContent('chat', texts, [tone]),
      topicContent('plain', { user: 'Hello' }),
      topicContent('empty'),
      topicContent('metrics', { user: 'Count' }),
    )
    await on(store, 'import', source)
    const file = join(out, 'prompts.json')
    const { code, stderr } = await on(store, 'export', file, '--format', 'langfuse')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: [
        'empty: left out, it has no text.',
        'metrics: left out, Langfuse keeps this name for itself.',
        `Exported 2 prompts to ${file}.`,
        '',
      ].join('\n'),
    })
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([
      {
        name: 'chat',
        type: 'chat',
        prompt: [
          { role: 'system', content: 'Be {{tone}}.' },
          { role: 'user', content: 'Write {{name}}.' },
          { role: 'assistant', content: 'Yes.' },
          { role: 'user', content: 'More.' },
        ],
        labels: ['production'],
        tags: ['analysis'],
        config: {},
      },
      {
        name: 'plain',
        type: 'text',
        prompt: 'Hello',
        labels: ['production'],
        tags: ['analysis'],
        config: {},
      },
    ])
    expect((await on(again, 'import', file)).code).toBe(0)
    expect((await topic(again, 'chat')).texts).toEqual({ ...texts, user: 'Write {{name}}.' })
  })

  test('splits what is more than one import takes', async () => {
    const out = await tempFolder()
    const contents = Array.from({ length: 501 }, (_, index) => topicContent(`t${index}`, { user: 'x' }))
    await writeLangfuse(join(out, 'all.json'), contents)
    const sizes = ['all.json', 'all-2.json'].map(
      async (name) => JSON.parse(await readFile(join(out, name), 'utf8')).length,
    )
    expect(await Promise.all(sizes)).toEqual([500, 1])
  })

  test('knows no other format', async () => {
    const { code, stderr } = await on(await tempFolder(), 'export', 'x.json', '--format', 'csv')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'Invalid input: format: expected one of purposepath, langfuse.\n',
    })
  })
})
