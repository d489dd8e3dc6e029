import { describe, expect, it } from 'vitest'
import { operations } from '../../../src/operations/table.ts'
import { connectInMemory } from '../../helpers/in-memory.ts'
import { faultyPaths, refusal } from '../../helpers/matrix.ts'
import { parameter } from '../../helpers/parameters.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'

const COUNT = 1_200

interface Page<T> {
  items: T[]
  nextCursor?: string | undefined
}

/** All pages, each asked for with the cursor of the one before. */
async function pagesOf<T>(ask: (cursor?: string) => Promise<Page<T>>): Promise<T[][]> {
  const pages: T[][] = []
  let cursor: string | undefined
  do {
    const page = await ask(cursor)
    pages.push(page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return pages
}

describe('lists', () => {
  it('go through 1,200 topics in pages of 500 without a gap or a repeat', async () => {
    const services = await openServices()
    const definitions = Array.from({ length: COUNT }, (_, number) => {
      const { definition } = topicContent(`t${number}`)
      return { ...definition, display_order: number % 7 }
    })
    for (const definition of definitions) await put(services, { definition, texts: { user: 'Text.' } })
    const ids = definitions
      .sort((a, b) => a.display_order - b.display_order || (a.topic_id < b.topic_id ? -1 : 1))
      .map(({ topic_id }) => topic_id)
    const client = await connectInMemory(services)

    const prompts = await pagesOf(async (cursor) => {
      const { prompts, nextCursor } = await client.listPrompts({ cursor })
      return { items: prompts.map(({ name }) => name), nextCursor }
    })
    expect(prompts.map((page) => page.length)).toEqual([500, 500, 200])
    expect(prompts.flat()).toEqual(ids)

    const resources = await pagesOf(async (cursor) => {
      const { resources, nextCursor } = await client.listResources({ cursor })
      return { items: resources.map(({ uri }) => uri), nextCursor }
    })
    expect(resources.map((page) => page.length)).toEqual([1000, 1000, 400])
    expect(resources.flat()).toEqual(ids.flatMap((id) => [`prompt://${id}`, `prompt://${id}/user`]))
  })

  it('refuse a cursor that no page gave', async () => {
    const client = await connectInMemory(await openServices())
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const wrong = ['nonsense', '', encode([1]), encode([1, 'No!']), encode({ a: 1 }), 'x'.repeat(10_000)]
    for (const cursor of wrong) {
      for (const list of [() => client.listPrompts({ cursor }), () => client.listResources({ cursor })]) {
        const { code, data } = await refusal(list())
        expect({ code, data }).toEqual({
          code: -32602,
          data: expect.objectContaining({ code: 'invalid_input' }),
        })
        expect(faultyPaths(data)).toEqual(['cursor'])
      }
    }
  })
})

describe('tools', () => {
  const named = (role: string) =>
    operations.filter((operation) => operation.tool && (role === 'admin' || operation.role !== 'admin'))

  it.each(['admin', 'service'] as const)('are those that the role %s may call', async (role) => {
    const client = await connectInMemory(await openServices(), { role })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(named(role).map(({ tool }) => tool))
  })

  it('answer the same object as structured content and as text', async () => {
    const services = await openServices()
    await put(services, topicContent('greeting', { user: 'Hello {{name}}' }, [parameter('name')]))
    const client = await connectInMemory(services)
    for (const [name, input] of [
      ['get_prompts', { topic_id: 'greeting' }],
      ['batch_get', { topic_ids: ['greeting', 'none'] }],
      ['render_prompts', { topic_id: 'greeting', parameters: { name: 'Ada' } }],
    ] as const) {
      const { content, structuredContent } = await client.callTool({ name, arguments: input })
      const [first] = content as { text: string }[]
      expect(JSON.parse(first?.text ?? '')).toEqual(structuredContent)
      expect(Object.keys(structuredContent as object)).not.toContain('cached')
    }
  })
})

describe('the URI of a resource', () => {
  const open = async () => {
    const services = await openServices()
    await put(services, topicContent('greeting', { user: 'Hello' }))
    return connectInMemory(services)
  }

  it.each([
    'prompt://greeting/user',
    'PROMPT://greeting/user',
    'prompt://greeting/user/',
    'prompt://%67reeting/us%65r',
    'prompt://greeting/',
  ])('%s names a text or a topic', async (uri) => {
    const { contents } = await (await open()).readResource({ uri })
    expect(contents).toMatchObject([{ uri, text: expect.stringContaining('Hello') }])
  })

  it.each([
    'prompt://greeting//',
    'prompt://greeting/user/x',
    'prompt://%zz',
    'prompt://GREETING',
    'file://greeting',
  ])('%s names nothing', async (uri) => {
    const { code, data } = await refusal((await open()).readResource({ uri }))
    expect({ code, data }).toEqual({ code: expect.any(Number), data: expect.objectContaining({ uri }) })
  })
})
