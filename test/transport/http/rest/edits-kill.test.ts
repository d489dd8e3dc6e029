import { expect, test } from 'vitest'
import { type ApiAnswer, type ApiServer, dataOf, kpiTopic, startApi } from '../../../helpers/api.ts'

/** A write, how it must be answered, and what must be true of the server that starts after it. */
interface Write {
  line: string
  body?: unknown
  status: number
  holds(server: ApiServer): Promise<void>
}

const PROMPT = '/admin/prompts/mine/system'

/** An edit of the prompt to its `revision`. */
function edit(revision: number): Write {
  const content = `text ${revision} ${'.'.repeat(revision % 2 ? 50_000 : 0)}`
  return {
    line: `PUT ${PROMPT}`,
    body: { content, expected_revision: revision - 1 },
    status: 200,
    async holds({ admin, service }) {
      expect(dataOf(await admin(`GET ${PROMPT}`))).toMatchObject({ content, revision })
      expect(dataOf(await service('GET /prompts/mine'))).toMatchObject({ prompts: { system: content } })
      const [newest] = dataOf<object[]>(await admin(`GET ${PROMPT}/history?limit=1`))
      expect(newest).toMatchObject({ revision, current: true })
    },
  }
}

const expectMissing = (answer: ApiAnswer) => expect(answer.status).toBe(404)

/** Creations and deletions of topic number `number` and its prompts, in an order in which they work. */
function comeAndGo(number: number): Write[] {
  const id = `kpi_${number}`
  const at = `/admin/prompts/${id}`
  return [
    {
      line: 'POST /admin/prompts',
      body: kpiTopic(id, { prompts: { user: 'one' } }),
      status: 201,
      holds: async ({ service }) =>
        expect(dataOf(await service(`GET /prompts/${id}`))).toMatchObject({ prompts: { user: 'one' } }),
    },
    {
      line: `POST ${at}/system`,
      body: { content: 'two' },
      status: 201,
      holds: async ({ admin }) =>
        expect(dataOf(await admin(`GET ${at}/system`))).toMatchObject({ content: 'two' }),
    },
    {
      line: `DELETE ${at}/user`,
      status: 200,
      async holds({ admin }) {
        expectMissing(await admin(`GET ${at}/user`))
        expect(dataOf(await admin(`GET ${at}`))).toMatchObject({ revision: 3, available_prompts: ['system'] })
      },
    },
    {
      line: `DELETE ${at}`,
      status: 200,
      async holds({ admin, service }) {
        expectMissing(await service(`GET /prompts/${id}`))
        expect(dataOf(await admin(`GET ${at}`))).toMatchObject({ deleted_at: expect.any(String) })
      },
    },
  ]
}

test('a write that was acknowledged survives a kill right after its answer', async () => {
  let server = await startApi()
  const { key, token, settings } = server
  dataOf(
    await server.admin('POST /admin/prompts', { body: kpiTopic('mine', { prompts: { system: 'text 1' } }) }),
  )
  const edits = Array.from({ length: 8 }, (_, number) => edit(number + 2))
  for (const { line, body, status, holds } of [...edits, ...comeAndGo(1), ...comeAndGo(2)]) {
    const answer = await server.admin(line, body === undefined ? {} : { body })
    server.process.kill('SIGKILL')
    expect({ line, status: answer.status }).toEqual({ line, status })
    await server.stop('SIGKILL')
    server = await startApi(settings, { key, token })
    await holds(server)
  }
  expect(server.stderr()).not.toMatch(/"level":(50|60)/)
}, 600_000)
