import { createHash } from 'node:crypto'
import { Agent } from 'node:http'
import { expect, test } from 'vitest'
import { type ApiAnswer, type Ask, dataOf, kpiTopic, sharedApi, startApi } from '../../../helpers/api.ts'
import { shared } from '../../../helpers/at-end.ts'
import { waitFor } from '../../../helpers/program.ts'

const ROUNDS = 500
/** Topics edited at the same time: most of a round is waiting for the disk. */
const TOPICS = 10

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

interface Version {
  version_id: string
  revision: number
  sha256: string
}

const first = sharedApi()
/** It and another server of its folder, each asked over connections that stay open. */
const servers = shared(async (atEnd) => {
  const agent = new Agent({ keepAlive: true })
  atEnd(async () => agent.destroy())
  const second = await startApi(first.settings, first, atEnd)
  const over =
    ({ admin }: typeof first): Ask =>
    (line, options) =>
      admin(line, { ...options, agent })
  return { one: over(first), other: over(second) }
})

/** Every version of a prompt, oldest first. */
async function historyOf(ask: Ask, path: string): Promise<Version[]> {
  const all: Version[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const answer = await ask(`GET ${path}/history?limit=500${cursor && `&cursor=${cursor}`}`)
    all.push(...dataOf<Version[]>(answer))
    cursor = answer.json.meta?.next_cursor
  }
  return all.reverse()
}

/** Asks until a topic is at `revision`: what the other process did is visible later (PROMPTS_FRESHNESS_MS). */
function untilRevision(ask: Ask, path: string, revision: number): Promise<ApiAnswer> {
  return waitFor(async () => {
    const answer = await ask(`GET ${path}`)
    return answer.json.meta?.revision === revision ? answer : undefined
  }, 3_000)
}

test(`in ${ROUNDS} rounds of two processes one edit of each revision wins, and nothing is lost`, async () => {
  const { one, other } = servers

  /** Edits one prompt round by round; the texts that won, oldest first. */
  async function compete(path: string, rounds: number): Promise<string[]> {
    const won = ['start']
    for (let revision = 1; revision <= rounds; revision++) {
      const texts = [`${path} ${revision} by one`, `${path} ${revision} by other`]
      const answers = await Promise.all(
        [one, other].map((ask, index) =>
          ask(`PUT ${path}`, {
            body: { content: texts[index] },
            headers: { 'if-match': `"${revision}"` },
          }),
        ),
      )
      const winner = answers.findIndex(({ status }) => status === 200)
      const loser = answers[1 - winner] as ApiAnswer
      expect({ path, revision, statuses: answers.map(({ status }) => status).sort() }).toEqual({
        path,
        revision,
        statuses: [200, 412],
      })
      expect(answers[winner]?.headers.etag).toBe(`"${revision + 1}"`)
      expect(loser.json.current).toMatchObject({ revision: revision + 1, content: texts[winner] })
      won.push(texts[winner] as string)
    }
    return won
  }

  const names = Array.from({ length: TOPICS }, (_, number) => `rival_${number}`)
  const path = (name: string) => `/admin/prompts/${name}/system`
  for (const name of names) {
    dataOf(await one('POST /admin/prompts', { body: kpiTopic(name, { prompts: { system: 'start' } }) }))
  }
  const won = await Promise.all(names.map((name) => compete(path(name), ROUNDS / TOPICS)))
  for (const [index, name] of names.entries()) {
    const texts = won[index] as string[]
    for (const ask of [one, other]) {
      const history = await historyOf(ask, path(name))
      expect(history.map(({ revision, sha256 }) => [revision, sha256])).toEqual(
        texts.map((text, at) => [at + 1, sha256(text)]),
      )
    }
    const { version_id = '' } = (await historyOf(other, path(name)))[1] ?? {}
    expect(dataOf(await one(`GET ${path(name)}?version_id=${version_id}`))).toMatchObject({
      content: texts[1],
    })
    for (const ask of [one, other]) await untilRevision(ask, `/admin/prompts/${name}`, 1 + ROUNDS / TOPICS)
  }
}, 600_000)

test('of two processes that create the same topic or prompt one is told that it exists', async () => {
  const { one, other } = servers
  for (let round = 1; round <= 20; round++) {
    const body = kpiTopic(`twin_${round}`)
    const topics = await Promise.all([one, other].map((ask) => ask('POST /admin/prompts', { body })))
    expect(topics.map(({ status }) => status).sort()).toEqual([201, 409])
    const create = (ask: Ask, content: string) =>
      ask(`POST /admin/prompts/twin_${round}/system`, { body: { content } })
    const prompts = await Promise.all([create(one, 'one'), create(other, 'other')])
    expect(prompts.map(({ status }) => status).sort()).toEqual([201, 409])
    const winner = prompts[0]?.status === 201 ? 'one' : 'other'
    const answer = await untilRevision(other, `/prompts/twin_${round}`, 2)
    expect(answer.json.data).toMatchObject({ prompts: { system: winner } })
  }
})

test('edits of two prompt types from the same revision both win', async () => {
  const { one, other } = servers
  const prompts = { system: 'start', user: 'start' }
  dataOf(await one('POST /admin/prompts', { body: kpiTopic('rival', { prompts }) }))
  for (let revision = 1; revision <= 20; revision++) {
    const headers = { 'if-match': `"${revision}"` }
    const body = { content: `text ${revision}` }
    const answers = await Promise.all([
      one('PUT /admin/prompts/rival/system', { body, headers }),
      other('PUT /admin/prompts/rival/user', { body, headers }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
  }
  for (const ask of [one, other]) await untilRevision(ask, '/admin/prompts/rival', 41)
})

test('a parameter is dropped or used, never both, whichever process comes first', async () => {
  const { one, other } = servers
  const rounds = Array.from({ length: 100 }, (_, number) => `round_${number}`)
  const allowed_parameters = [{ name: 'word', type: 'string' }]
  const outcomes = new Map<string, number>()

  async function play(name: string): Promise<void> {
    const topic = kpiTopic(name, { allowed_parameters, prompts: { system: 'without' } })
    dataOf(await one('POST /admin/prompts', { body: topic }))
    const drop = () => one(`PUT /admin/prompts/${name}`, { body: { allowed_parameters: [] } })
    const use = () => other(`PUT /admin/prompts/${name}/system`, { body: { content: 'with {{word}}' } })
    const [dropped, used] = await Promise.all([drop(), use()])
    const statuses = [dropped.status, used.status].join(' ')
    expect({ name, statuses }).toEqual({ name, statuses: expect.stringMatching(/^(200 400|400 200)$/) })
    outcomes.set(statuses, (outcomes.get(statuses) ?? 0) + 1)
    const refused = dropped.status === 400 ? dropped : used
    expect(refused.json.code).toBe('invalid_input')
    for (const ask of [one, other]) {
      const answer = await untilRevision(ask, `/prompts/${name}?include_parameters=true`, 2)
      expect({ name, served: answer.json.data }).toEqual({
        name,
        served: {
          topic_id: name,
          prompts: { system: used.status === 200 ? 'with {{word}}' : 'without' },
          allowed_parameters: used.status === 200 ? [{ ...allowed_parameters[0], required: false }] : [],
        },
      })
      const rendered = await ask(`POST /prompts/${name}/render`, { body: { parameters: {} } })
      expect({ name, status: rendered.status }).toEqual({ name, status: 200 })
    }
  }
  for (let at = 0; at < rounds.length; at += 25) await Promise.all(rounds.slice(at, at + 25).map(play))
  // Both processes came first at times: it was a race.
  expect([...outcomes.keys()].sort()).toEqual(['200 400', '400 200'])
})
