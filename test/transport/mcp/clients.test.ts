import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { shared } from '../../helpers/at-end.ts'
import { seedText, writeSuggestions } from '../../helpers/data-folder.ts'
import { tempFolder } from '../../helpers/folders.ts'
import {
  completer,
  connectAny,
  faultyPaths,
  jsonOf,
  MATRIX,
  refusal,
  targetOf,
} from '../../helpers/matrix.ts'
import { startServer } from '../../helpers/program.ts'
import { type SharedServer, sharedServer } from '../../helpers/shared.ts'

const SEEDED = ['core_values', 'purpose', 'vision', 'goals', 'alignment_analysis', 'revenue_salesforce']
const SERVICE_TOOLS = ['get_prompts', 'batch_get', 'render_prompts', 'list_topics']
const KPI = { kpi_value: '95000', threshold: '100000', time_period: 'Q4 <2025> & "more" {{kpi_value}}' }
const seed = (prompt_type: string) => seedText('revenue_salesforce', prompt_type)

const server = sharedServer()

/** A server of topics whose arguments can be completed, and the values of its longest list. */
const suggesting = shared(async (atEnd) => {
  const folder = await tempFolder(atEnd)
  const many = await writeSuggestions(folder)
  return { ...(await startServer({ PROMPTS_DATA_DIR: folder }, atEnd)), folder, many }
})

describe.each(MATRIX)('$client client over $transport', ({ client, transport }) => {
  const targetAt = (one: SharedServer) =>
    transport === 'HTTP' ? one : { settings: { PROMPTS_DATA_DIR: one.folder } }
  /** A client of the seeded topics, for all tests that only read. */
  const own = shared(async (atEnd) => ({ client: await connectAny(targetAt(server), client, atEnd) }))

  test('lists the seeded prompts in display order and describes their arguments', async () => {
    const { prompts } = await own.client.listPrompts()
    expect(prompts.map(({ name }) => name)).toEqual(SEEDED)
    const revenue = prompts.at(-1)
    expect(revenue?.title).toBe('Revenue Growth - Salesforce')
    expect(revenue?.arguments?.map(({ name, required }) => [name, required])).toEqual([
      ['kpi_value', true],
      ['threshold', true],
      ['time_period', true],
      ['historical_data', false],
    ])
    expect(
      revenue?.arguments?.map(({ description }) => /^.+ (\(.+?\))$/s.exec(description ?? '')?.[1]),
    ).toEqual([
      '(number; required)',
      '(number; required)',
      '(string, 1 to 200 characters; required)',
      '(array, at most 1000 items; optional; default [])',
    ])
  })

  test('renders a prompt from string arguments, the system text first', async () => {
    const answer = await own.client.getPrompt({ name: 'revenue_salesforce', arguments: KPI })
    const texts = answer.messages.map(({ content }) => (content as { text: string }).text)
    expect(answer.messages.map(({ role }) => role)).toEqual(['user', 'user'])
    expect(texts[0]).toBe(seed('system'))
    expect(texts[1]).toContain('Period: Q4 <2025> & "more" {{kpi_value}}\nFigure: 95000\nThreshold: 100000\n')
    expect(answer._meta).toMatchObject({
      revision: 1,
      prompts: ['system', 'user'].map((prompt_type) => ({
        prompt_type,
        revision: 1,
        sha256: createHash('sha256').update(seed(prompt_type)).digest('hex'),
      })),
    })
  })

  test('takes an argument left empty as missing', async () => {
    const mcp = own.client
    const empty = { ...KPI, historical_data: '' }
    const answer = await mcp.getPrompt({ name: 'revenue_salesforce', arguments: empty })
    expect(JSON.stringify(answer.messages)).toContain('(empty: no earlier period was supplied')
    const blank = { ...KPI, threshold: '', time_period: '' }
    const { code, data } = await refusal(mcp.getPrompt({ name: 'revenue_salesforce', arguments: blank }))
    expect({ code, paths: faultyPaths(data) }).toEqual({ code: -32602, paths: ['threshold', 'time_period'] })
  })

  test('names every faulty argument by its bare name', async () => {
    const mcp = own.client
    const wrong = { kpi_value: 'many', threshold: '', time_period: 'Q4', historical_data: '[1,2', extra: '1' }
    const { code, data } = await refusal(mcp.getPrompt({ name: 'revenue_salesforce', arguments: wrong }))
    expect(code).toBe(-32602)
    expect(data).toMatchObject({ code: 'invalid_input', status: 400, title: 'Invalid input' })
    expect(faultyPaths(data)).toEqual(['extra', 'historical_data', 'kpi_value', 'threshold'])
    const none = await refusal(mcp.getPrompt({ name: 'revenue_salesforce' }))
    expect(none.code).toBe(-32602)
    expect(faultyPaths(none.data)).toEqual(['kpi_value', 'threshold', 'time_period'])
  })

  test('refuses an unknown prompt as not found', async () => {
    const { code, data } = await refusal(own.client.getPrompt({ name: 'nobody_wrote_this' }))
    expect({ code, data }).toEqual({
      code: -32602,
      data: expect.objectContaining({ code: 'not_found', status: 404 }),
    })
  })

  test('reads topics as JSON and prompts as Markdown', async () => {
    const mcp = own.client
    const { resources } = await mcp.listResources()
    expect(resources.map(({ uri, mimeType }) => [uri, mimeType])).toEqual(
      SEEDED.flatMap((id) => [
        [`prompt://${id}`, 'application/json'],
        [`prompt://${id}/system`, 'text/markdown'],
        [`prompt://${id}/user`, 'text/markdown'],
      ]),
    )
    const { resourceTemplates } = await mcp.listResourceTemplates()
    const templates = resourceTemplates.map(({ uriTemplate }) => uriTemplate)
    expect(templates).toEqual(['prompt://{topic_id}', 'prompt://{topic_id}/{prompt_type}'])
    const body = await mcp.readResource({ uri: 'prompt://revenue_salesforce/user' })
    expect(body.contents).toEqual([
      {
        uri: 'prompt://revenue_salesforce/user',
        mimeType: 'text/markdown',
        text: seed('user'),
      },
    ])
    const [topic] = (await mcp.readResource({ uri: 'prompt://revenue_salesforce' })).contents
    expect(topic?.mimeType).toBe('application/json')
    expect(JSON.parse((topic as { text?: string }).text ?? '')).toMatchObject({
      topic_id: 'revenue_salesforce',
      topic_name: 'Revenue Growth - Salesforce',
      topic_type: 'kpi_system',
      category: 'kpi',
      description: expect.stringContaining('Salesforce'),
      revision: 1,
      parameters_schema: { type: 'object', required: ['kpi_value', 'threshold', 'time_period'] },
      prompts: {
        system: seed('system'),
        user: seed('user'),
      },
    })
  })

  test('marks a missing resource by its URI alone', async () => {
    const mcp = own.client
    for (const uri of [
      'prompt://nobody',
      'prompt://goals/nobody',
      'prompt://goals/user/x',
      'file:///etc/passwd',
    ]) {
      const { code, data } = await refusal(mcp.readResource({ uri }))
      expect({ code, data }).toEqual({ code: -32602, data: { uri } })
    }
  })

  test('offers the tools of its role and forbids the others', async () => {
    const mcp = own.client
    const names = (await mcp.listTools()).tools.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(SERVICE_TOOLS))
    expect(names.includes('get_topic')).toBe(transport === 'stdio')
    const readOnly =
      transport === 'stdio'
        ? await connectAny(await targetOf(transport, await tempFolder(), ['--read-only']), client)
        : mcp
    const offered = (await readOnly.listTools()).tools.map(({ name }) => name)
    expect(offered).toEqual(expect.arrayContaining(SERVICE_TOOLS))
    expect(offered).not.toContain('get_topic')
    const refused = await readOnly.callTool({ name: 'get_topic', arguments: { topic_id: 'goals' } })
    expect(refused).toMatchObject({ isError: true, _meta: { code: 'forbidden' } })
    expect(jsonOf(refused)).toMatchObject({ code: 'forbidden', status: 403 })
  })

  test('answers a tool call as structured content and as the same JSON in text', async () => {
    const mcp = own.client
    await mcp.listTools() // The client now checks answers by the tool's output schema.
    const call = {
      topic_id: 'revenue_salesforce',
      parameters: { ...KPI, kpi_value: 95000, threshold: 100000 },
    }
    const answer = await mcp.callTool({ name: 'render_prompts', arguments: call })
    expect(answer.isError ?? false).toBe(false)
    expect(answer.content).toHaveLength(1)
    expect(answer.structuredContent).toEqual(jsonOf(answer))
    expect(answer.structuredContent).toEqual({
      data: {
        topic_id: 'revenue_salesforce',
        prompts: {
          system: seed('system'),
          user: expect.stringContaining('Figure: 95000\n'),
        },
      },
      meta: { revision: 1 },
    })
    const batch = await mcp.callTool({ name: 'batch_get', arguments: { topic_ids: ['goals', 'no', 'No!'] } })
    expect(batch.structuredContent).toEqual(jsonOf(batch))
    expect(batch.structuredContent).toMatchObject({
      data: { goals: { prompts: { user: expect.any(String) } } },
      errors: { no: { code: 'not_found' }, 'No!': { code: 'invalid_input' } },
    })
  })

  test('answers wrong input of a tool with a problem that names every field', async () => {
    const mcp = own.client
    await mcp.listTools()
    const wrong = { topic_id: 'No!', include_parameters: 'yes', nonsense: 1 }
    const answer = await mcp.callTool({ name: 'get_prompts', arguments: wrong })
    expect(answer).toMatchObject({ isError: true, _meta: { code: 'invalid_input' } })
    expect(answer).not.toHaveProperty('structuredContent')
    expect(jsonOf(answer)).toMatchObject({ code: 'invalid_input', status: 400 })
    expect(faultyPaths(jsonOf(answer))).toEqual(['include_parameters', 'nonsense', 'topic_id'])
    const parameters = { kpi_value: '95000', time_period: 7 }
    const render = { topic_id: 'revenue_salesforce', parameters }
    const refused = await mcp.callTool({ name: 'render_prompts', arguments: render })
    expect(faultyPaths(jsonOf(refused))).toEqual(
      ['kpi_value', 'threshold', 'time_period'].map((name) => `parameters.${name}`),
    )
  })

  test('refuses an unknown tool as a protocol error', async () => {
    const { code, data } = await refusal(own.client.callTool({ name: 'no_such_tool' }))
    expect({ code, data }).toEqual({ code: -32602, data: expect.objectContaining({ code: 'not_found' }) })
  })

  test('completes arguments of prompts and of resource templates', async () => {
    const mcp = await connectAny(targetAt(suggesting), client)
    const prompt = { type: 'ref/prompt', name: 'greeting' } as const
    const template = { type: 'ref/resource', uri: 'prompt://{topic_id}/{prompt_type}' } as const
    const values = completer(mcp)
    expect(await values(prompt, 'mood', '')).toEqual(['calm', 'cheerful', 'stern'])
    expect(await values(prompt, 'mood', 'C')).toEqual(['calm', 'cheerful'])
    expect(await values(prompt, 'loud', '')).toEqual(['true', 'false'])
    expect(await values(prompt, 'loud', 't')).toEqual(['true'])
    expect(await values(prompt, 'language', 'en')).toEqual(['English'])
    expect(await values(template, 'topic_id', 'f')).toEqual(['farewell'])
    expect((await values(template, 'prompt_type', '', 'farewell')).sort()).toEqual(['assistant', 'system'])
    expect(await values(template, 'prompt_type', 'u', 'greeting')).toEqual(['user'])
    const { completion } = await mcp.complete({ ref: prompt, argument: { name: 'choice', value: 'm' } })
    expect(completion).toEqual({ values: suggesting.many.slice(0, 100), total: 150, hasMore: true })
  })

  if (client === '2026-07-28') {
    test('says how long lists and resources may be kept, and that only this caller may', async () => {
      const mcp = own.client
      const answers = [mcp.listPrompts(), mcp.listResources(), mcp.listResourceTemplates(), mcp.listTools()]
      for (const answer of await Promise.all([...answers, mcp.readResource({ uri: 'prompt://goals' })])) {
        expect(answer).toMatchObject({ ttlMs: expect.any(Number), cacheScope: 'private' })
      }
    })
  }
})

test.each(['stdio', 'HTTP'] as const)(
  'the prompts are listed to a second client and to several at once over %s',
  async (transport) => {
    const target = await targetOf(transport, await tempFolder())
    const names = async () => {
      const mcp = await connectAny(target, '2026-07-28')
      return (await mcp.listPrompts()).prompts.map(({ name }) => name)
    }
    expect(await names()).toEqual(SEEDED)
    expect(await names()).toEqual(SEEDED)
    expect(await Promise.all([names(), names(), names(), names()])).toEqual([SEEDED, SEEDED, SEEDED, SEEDED])
  },
)
