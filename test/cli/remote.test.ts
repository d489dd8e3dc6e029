import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { httpClient } from '../../src/adapters/http/client.ts'
import { restTopicServer } from '../../src/adapters/rest/topic-server.ts'
import { sharedApi, tokenOf } from '../helpers/api.ts'
import { runCommand } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'
import { treeOf } from '../helpers/trees.ts'

const name = { name: 'name', type: 'string' as const, required: true }
const first = { ...name, name: 'first' }

const server = sharedApi({ PROMPTS_CREATABLE_TYPES: 'kpi_system,single_shot' })

/** Runs a command against the server, as administrator unless told otherwise. */
function remote(words: string[], token: string | undefined = server.token) {
  const [command = '', ...rest] = words
  const address = command === 'pull' ? '--from' : '--to'
  return runCommand([command, ...rest, address, server.url], { PROMPTS_TOKEN: token })
}

/** A folder with what the server has. */
async function pulled(): Promise<string> {
  const folder = await tempFolder()
  expect((await remote(['pull', folder])).code).toBe(0)
  return folder
}

/** Replaces a file of a folder. */
async function write(folder: string, path: string, text: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true })
  await writeFile(join(folder, path), text)
}

async function define(folder: string, topic_id: string, more: object): Promise<void> {
  const { definition } = topicContent(topic_id)
  await write(folder, `topics/${topic_id}.json`, JSON.stringify({ ...definition, ...more }))
}

async function revisionsOf(topic_id: string) {
  const { json } = await server.admin(`GET /admin/prompts/${topic_id}`)
  const { revision, prompts } = json.data as {
    revision: number
    prompts: { prompt_type: string; revision: number }[]
  }
  return {
    revision,
    prompts: Object.fromEntries(prompts.map((prompt) => [prompt.prompt_type, prompt.revision])),
  }
}

describe('diff', () => {
  test('exits with 0 when nothing differs, whatever the form of the files', async () => {
    const folder = await pulled()
    const { code, stdout, stderr } = await remote(['diff', folder])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^The same: \d+ topics\.\n$/),
    })
  })

  test('shows each file that differs, and exits with 1', async () => {
    const folder = await pulled()
    await rm(join(folder, 'topics/goals.json'))
    await rm(join(folder, 'prompts/goals'), { recursive: true })
    await define(folder, 'added', { is_active: false })
    await write(folder, 'prompts/vision/user.md', 'Another text for {{user_name}}.\n')
    const { code, stdout, stderr } = await remote(['diff', folder])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines).toEqual(
      expect.arrayContaining(['Only here: topics/added.json', 'Only there: topics/goals.json']),
    )
    const at = lines.indexOf(`--- ${server.url} prompts/vision/user.md`)
    expect(lines.slice(at, at + 3)).toEqual([
      `--- ${server.url} prompts/vision/user.md`,
      '+++ here prompts/vision/user.md',
      expect.stringMatching(/^@@ -1,\d+ \+1,1 @@$/),
    ])
    expect(lines).toContain('+Another text for {{user_name}}.')
    const json = await remote(['diff', folder, '--json'])
    const { data } = JSON.parse(json.stdout) as { data: { path: string; change: string }[] }
    expect(json.code).toBe(1)
    expect(data.map(({ path, change }) => `${change}: ${path}`)).toContain(
      'different: prompts/vision/user.md',
    )
  })

  test('needs no more than an API key, which sees active topics only', async () => {
    const folder = await pulled()
    await define(folder, 'inactive', { is_active: false })
    const { code, stderr } = await remote(['diff', folder], server.key)
    expect(code).toBe(0)
    expect(stderr).toContain('sees active topics only')
  })
})

describe('push', () => {
  test('creates, changes and leaves topics, and is done when it is done again', async () => {
    const folder = await folderWith(
      topicContent('pushed', { user: 'Hello {{name}}', system: 'Be brief.' }, [name]),
    )
    const steps = async (...words: string[]) => {
      const { code, stdout } = await remote(['push', folder, '--json', ...words])
      const { data } = JSON.parse(stdout) as { data: { topic_id: string; action: string }[] }
      return { code, action: data.find(({ topic_id }) => topic_id === 'pushed')?.action }
    }
    expect(await steps('--dry-run')).toEqual({ code: 0, action: 'create' })
    expect((await server.admin('GET /admin/prompts/pushed')).status).toBe(404)
    expect(await steps()).toEqual({ code: 0, action: 'create' })
    expect(await steps()).toEqual({ code: 0, action: 'unchanged' })
    // A parameter is renamed: neither record nor text is valid with the other's former state.
    await define(folder, 'pushed', { allowed_parameters: [first], description: 'Greets.' })
    await write(folder, 'prompts/pushed/user.md', 'Hello {{first}}')
    expect(await steps()).toEqual({ code: 0, action: 'update' })
    expect(await revisionsOf('pushed')).toEqual({ revision: 4, prompts: { user: 2, system: 1 } })
    expect((await remote(['push', folder])).code).toBe(0)
    const { stdout } = await remote(['diff', folder])
    expect(stdout).not.toContain('pushed')
    expect(stdout).toContain('Only there: topics/vision.json')
  })

  test('with --prune deletes what the folder does not have', async () => {
    const folder = await folderWith(
      topicContent('pruned', { user: 'x', old: 'y' }),
      topicContent('gone', { user: 'x' }),
    )
    await remote(['push', folder])
    const whole = await pulled()
    await rm(join(whole, 'prompts/pruned/old.md'))
    await rm(join(whole, 'topics/gone.json'))
    await rm(join(whole, 'prompts/gone'), { recursive: true })
    expect((await remote(['push', whole])).code).toBe(0)
    expect((await revisionsOf('pruned')).prompts).toHaveProperty('old')
    expect((await remote(['push', whole, '--prune'])).code).toBe(0)
    expect((await revisionsOf('pruned')).prompts).toEqual({ user: 1 })
    expect((await server.service('GET /prompts/gone')).status).toBe(404)
    expect((await remote(['diff', whole])).code).toBe(0)
  })

  test('writes nothing when anything is faulty', async () => {
    const folder = await folderWith(
      topicContent('fine', { user: 'x' }),
      topicContent('faulty', { user: '{{nme}}' }),
    )
    const { code, stderr } = await remote(['push', folder])
    expect(code).toBe(2)
    expect(stderr).toContain('prompts/faulty/user.md')
    expect((await server.admin('GET /admin/prompts/fine')).status).toBe(404)
  })

  test('refuses a change of the type before anything is written', async () => {
    const folder = await folderWith(topicContent('typed', { user: 'x' }))
    await remote(['push', folder])
    await define(folder, 'typed', { topic_type: 'kpi_system' })
    await define(folder, 'another', {})
    const { code, stderr } = await remote(['push', folder])
    expect(code).toBe(2)
    expect(stderr).toContain('topics/typed.json: topic_type: is "single_shot" on the server')
    expect((await server.admin('GET /admin/prompts/another')).status).toBe(404)
  })

  test('says what was written when the server refuses the rest, and goes on from there', async () => {
    const folder = await folderWith(
      topicContent('aa', { user: 'x' }),
      {
        ...topicContent('bb', { user: 'x' }),
        definition: { ...topicContent('bb').definition, topic_type: 'coaching' },
      },
      topicContent('cc', { user: 'x' }),
    )
    const { code, stderr } = await remote(['push', folder])
    expect(code).toBe(2)
    expect(stderr).toMatch(/bb failed: .*can be created/)
    expect(stderr).toContain('Pushed before: aa. Not tried: cc.')
    await define(folder, 'bb', {})
    expect((await remote(['push', folder])).code).toBe(0)
    expect((await server.service('GET /prompts/cc')).status).toBe(200)
  })

  test('never writes over an edit that it has not seen', async () => {
    const content = topicContent('raced', { user: 'x' })
    await remote(['push', await folderWith(content)])
    const client = httpClient(server.url, { authorization: `Bearer ${server.token}` }, () => {})
    const there = restTopicServer(client)
    const raced = (await there.all()).topics.find(({ definition }) => definition.topic_id === 'raced')
    await server.admin('PUT /admin/prompts/raced/user', { body: { content: 'edited' } })
    const conflict = { code: 'conflict' }
    if (!raced) throw new Error('the topic was not read')
    await expect(there.promptRevisions(raced)).rejects.toMatchObject(conflict)
    await expect(there.update(raced.definition, raced.revision)).rejects.toMatchObject(conflict)
    await expect(there.saveText('raced', 'user', 'y', 1)).rejects.toMatchObject(conflict)
    await expect(there.deleteTopic('raced', raced.revision)).rejects.toMatchObject(conflict)
  })

  test('as a service is refused', async () => {
    const service = await tokenOf(server.settings, 'service')
    const folder = await folderWith(topicContent('mine', { user: 'x' }))
    const { code, stderr } = await remote(['push', folder], service)
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'Forbidden: To push needs a credential with the role "admin".\n',
    })
  })
})

describe('pull', () => {
  test('writes a folder that passes check, and keeps or removes what the server does not have', async () => {
    const folder = await pulled()
    expect((await runCommand(['check', folder])).code).toBe(0)
    const before = await treeOf(folder)
    await define(folder, 'mine', {})
    await write(folder, 'prompts/mine/user.md', 'x')
    const kept = await remote(['pull', folder])
    expect(kept.stderr).toContain('Only here: topics/mine.json\nOnly here: prompts/mine/user.md\n')
    expect((await remote(['pull', folder, '--prune'])).stderr).toContain('Removed topics/mine.json.')
    expect(await treeOf(folder)).toEqual(before)
  })
})

describe('the credential', () => {
  test('comes from a file, too', async () => {
    const file = join(await tempFolder(), 'token')
    await writeFile(file, `${server.token}\n`)
    const words = ['pull', await tempFolder(), '--from', server.url, '--token-file', file]
    expect((await runCommand(words, { PROMPTS_TOKEN: 'unused' })).code).toBe(0)
  })

  test.each([
    ['missing', undefined, 3, 'Give a token in PROMPTS_TOKEN'],
    ['no header', 'two\nlines', 2, 'expected a token or an API key alone.'],
    ['refused', 'eyJhbGciOiJIUzI1NiJ9.e30.x', 3, 'Unauthenticated'],
  ])('that is %s is said so', async (_, token, exit, message) => {
    const words = ['pull', 'unused', '--from', server.url]
    const { code, stderr } = await runCommand(words, { PROMPTS_TOKEN: token })
    expect(code).toBe(exit)
    expect(stderr).toContain(message)
    if (token) expect(stderr).not.toContain(token)
  })

  test('is sent to no plain http address', async () => {
    const { code, stderr } = await runCommand(['pull', 'unused', '--from', 'http://example.com'], {
      PROMPTS_TOKEN: 'x',
    })
    expect(code).toBe(2)
    expect(stderr).toContain('from: expected an http')
  })

  test('is of no use where another program answers', async () => {
    const other = createServer((_, response) => void response.end('<html>'))
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const { code, stderr } = await runCommand(['pull', 'unused', '--from', url], {
      PROMPTS_TOKEN: server.token,
    })
    expect(code).toBe(1)
    expect(stderr).toContain('status 200 where the API of this program was expected')
  })
})
