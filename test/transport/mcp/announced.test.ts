import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { tempFolder } from '../../helpers/folders.ts'
import { type RunningServer, startServer, waitFor } from '../../helpers/program.ts'
import { initialize, messagesIn, postMcp, type RpcMessage, rpcIn, startStdio } from '../../helpers/raw.ts'

/** A client of one revision on one channel, with nothing of an SDK. */
interface Connection {
  /** @returns the result; throws for an error. */
  request(method: string, params?: object): Promise<Record<string, unknown>>
  /** From now on notifications of these kinds are received, so far as the revision has to ask for them. */
  listen(notifications: object): Promise<void>
  /** Methods of the notifications so far. */
  heard(): (string | undefined)[]
}

const TOPIC = 'goals'
const URI = `prompt://${TOPIC}/user`

/** What each announced capability promises: every leaf of the announcement must be here, and must hold. */
const PROMISES: Record<string, (connection: Connection, change: () => Promise<void>) => Promise<void>> = {
  'prompts.listChanged': async (connection, change) => {
    expect((await connection.request('prompts/list'))['prompts']).not.toHaveLength(0)
    const params = { name: TOPIC, arguments: { user_name: 'Ada' } }
    expect((await connection.request('prompts/get', params))['messages']).not.toHaveLength(0)
    await hears(connection, 'notifications/prompts/list_changed', change)
  },
  'resources.listChanged': async (connection, change) => {
    expect((await connection.request('resources/list'))['resources']).not.toHaveLength(0)
    expect((await connection.request('resources/templates/list'))['resourceTemplates']).not.toHaveLength(0)
    expect((await connection.request('resources/read', { uri: URI }))['contents']).toHaveLength(1)
    await hears(connection, 'notifications/resources/list_changed', change)
  },
  'resources.subscribe': (connection, change) => hears(connection, 'notifications/resources/updated', change),
  tools: async (connection) => {
    expect((await connection.request('tools/list'))['tools']).not.toHaveLength(0)
    const call = { name: 'get_prompts', arguments: { topic_id: TOPIC } }
    expect(await connection.request('tools/call', call)).toMatchObject({ content: [{ type: 'text' }] })
  },
  completions: async (connection) => {
    const params = {
      ref: { type: 'ref/resource', uri: 'prompt://{topic_id}' },
      argument: { name: 'topic_id', value: TOPIC },
    }
    expect(await connection.request('completion/complete', params)).toMatchObject({
      completion: { values: [TOPIC] },
    })
  },
  'extensions.io.modelcontextprotocol/skills': async (connection) => {
    const uri = `skill://${TOPIC}/SKILL.md`
    expect(JSON.stringify(await connection.request('skills/list'))).toContain(uri)
    expect(await connection.request('skills/get', { uri })).toMatchObject({ skill: { uri } })
  },
}

async function hears({ heard }: Connection, method: string, change: () => Promise<void>): Promise<void> {
  const before = heard().filter((one) => one === method).length
  await change()
  await waitFor(() => heard().filter((one) => one === method).length > before)
}

/** Paths of an announcement's leaves: `{}` and `true`. */
function leavesOf(capabilities: object, path: string[] = []): string[] {
  return Object.entries(capabilities).flatMap(([name, value]) => {
    const at = [...path, name]
    return typeof value === 'object' && Object.keys(value).length > 0 ? leavesOf(value, at) : [at.join('.')]
  })
}

/** Renames the topic and edits its text, as a person does: whatever is subscribed to has changed. */
async function changeFiles(folder: string): Promise<void> {
  const path = join(folder, `topics/${TOPIC}.json`)
  const record = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...record, topic_name: `${record.topic_name}+` }))
  await appendFile(join(folder, `prompts/${TOPIC}/user.md`), 'More.\n')
}

const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
const MODERN = '2026-07-28'
const EVERYTHING = { promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: [URI] }

function modernParams(params: object) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return { ...params, _meta }
}

function resultOf({ result, error }: RpcMessage): Record<string, unknown> {
  if (!result) throw new Error(JSON.stringify(error))
  return result
}

let ids = 0

function overStdio(revision: string, folder: string): Connection {
  const stdio = startStdio({ PROMPTS_DATA_DIR: folder })
  const send = (id: string, method: string, params: object) =>
    stdio.send({ jsonrpc: '2.0', id, method, params: revision === MODERN ? modernParams(params) : params })
  return {
    async request(method, params = {}) {
      const id = `r${++ids}`
      send(id, method, params)
      return resultOf(await stdio.answer(id))
    },
    async listen(notifications) {
      if (revision === MODERN) return send(`r${++ids}`, 'subscriptions/listen', { notifications })
      stdio.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
      await this.request('resources/subscribe', { uri: URI })
    },
    heard: () => messagesIn(stdio.stdout()).map(({ method }) => method),
  }
}

function overHttp(revision: string, server: RunningServer): Connection {
  let events = ''
  const headersOf = (method: string, name: unknown): Record<string, string> => ({
    'mcp-protocol-version': revision,
    ...(revision === MODERN && { 'mcp-method': method }),
    ...(revision === MODERN && typeof name === 'string' && { 'mcp-name': name }),
  })
  const messageOf = (method: string, params: object) => {
    const sent = revision === MODERN ? modernParams(params) : params
    return { jsonrpc: '2.0', id: ++ids, method, params: sent }
  }
  return {
    async request(method, params = {}) {
      const { name, uri } = params as { name?: unknown; uri?: unknown }
      const nameSource = method === 'resources/read' ? uri : name
      const answer = await postMcp(server, messageOf(method, params), headersOf(method, nameSource))
      return resultOf(rpcIn(answer)[0] as RpcMessage)
    },
    async listen(notifications) {
      const method = 'subscriptions/listen'
      const left = new AbortController()
      onTestFinished(() => left.abort())
      const headers = {
        ...headersOf(method, undefined),
        'x-api-key': server.key,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      }
      const post = { method: 'POST', body: JSON.stringify(messageOf(method, { notifications })) }
      const opened = await fetch(`${server.url}/mcp`, {
        headers,
        signal: left.signal,
        ...(revision === MODERN && post),
      })
      expect(opened.status).toBe(200)
      void (async () => {
        for await (const chunk of opened.body ?? []) events += Buffer.from(chunk).toString()
      })().catch(() => {})
    },
    heard: () =>
      [...events.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data as string).method),
  }
}

async function holds(connection: Connection, revision: string, folder: string): Promise<void> {
  const announced =
    revision === MODERN
      ? await connection.request('server/discover')
      : await connection.request('initialize', initialize(revision).params)
  const leaves = leavesOf(announced['capabilities'] as object)
  await connection.listen(EVERYTHING)
  for (const leaf of leaves) {
    const promise = PROMISES[leaf]
    if (!promise) throw new Error(`${leaf} is announced, and nobody has said here what it promises`)
    await promise(connection, () => changeFiles(folder))
  }
}

describe('all that is announced is served', () => {
  test.each([...LEGACY, MODERN])(
    'on stdio, revision %s',
    async (revision) => {
      const folder = await tempFolder()
      await holds(overStdio(revision, folder), revision, folder)
    },
    60_000,
  )

  test('over HTTP, in every revision', async () => {
    const folder = await tempFolder()
    const server = await startServer({ PROMPTS_DATA_DIR: folder })
    for (const revision of [...LEGACY, MODERN]) await holds(overHttp(revision, server), revision, folder)
  }, 60_000)
})
