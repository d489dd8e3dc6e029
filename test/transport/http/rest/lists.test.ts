import { expect, test } from 'vitest'
import { type Ask, dataOf, expectProblem, kpiTopic, pathsOf, startApi } from '../../../helpers/api.ts'
import { writeTopic } from '../../../helpers/data-folder.ts'
import { tempFolder } from '../../../helpers/folders.ts'
import { topicContent } from '../../../helpers/topics.ts'

const ids = async (ask: Ask, line: string) =>
  dataOf<{ topic_id: string }[]>(await ask(line)).map(({ topic_id }) => topic_id)

/** Follows cursors to the end; the pages of ids. */
async function pagesOf(ask: Ask, line: string, from = ''): Promise<string[][]> {
  const pages: string[][] = []
  for (let cursor: string | undefined = from; cursor !== undefined; ) {
    const answer = await ask(cursor === '' ? line : `${line}&cursor=${encodeURIComponent(cursor)}`)
    pages.push(dataOf<{ topic_id: string }[]>(answer).map(({ topic_id }) => topic_id))
    cursor = answer.json.meta?.next_cursor
  }
  return pages
}

test('topics are filtered by type, category, state and text', async () => {
  const { admin, service } = await startApi()
  const body = kpiTopic('churn_hubspot', {
    topic_name: 'Kündigungen in HubSpot',
    description: 'Lost customers & 100 % of the rest',
    display_order: 7,
  })
  dataOf(await admin('POST /admin/prompts', { body }))
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic('hidden', { is_active: false }) }))
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic('gone') }))
  dataOf(await admin('DELETE /admin/prompts/gone'))
  const coaching = ['core_values', 'purpose', 'vision', 'goals']
  const cases: [query: string, expected: string[]][] = [
    ['', [...coaching, 'churn_hubspot', 'alignment_analysis', 'hidden', 'revenue_salesforce']],
    ['?topic_type=conversation_coaching', coaching],
    ['?topic_type=kpi_system&is_active=true', ['churn_hubspot', 'revenue_salesforce']],
    ['?category=kpi&is_active=false', ['hidden']],
    ['?topic_type=kpi_system&category=coaching', []],
    ['?topic_type=nothing', []],
    ['?deleted=true', ['gone']],
    ['?deleted=true&is_active=true', []],
    ['?q=HUBSPOT', ['churn_hubspot']],
    ['?q=k%C3%BCndigungen', ['churn_hubspot']],
    ['?q=100+%25', ['churn_hubspot']],
    ['?q=%26', ['churn_hubspot']],
    ['?q=no_such_text', []],
  ]
  const found = await Promise.all(cases.map(([query]) => ids(admin, `GET /admin/prompts${query}`)))
  expect(cases.map(([query], index) => [query, found[index]])).toEqual(cases)
  expect(await ids(service, 'GET /prompts?topic_type=kpi_system')).toEqual([
    'churn_hubspot',
    'revenue_salesforce',
  ])
})

test('pages follow one another without gaps or repeats, also while topics come and go', async () => {
  const folder = await tempFolder()
  const names = Array.from({ length: 23 }, (_, number) => `t${String(number).padStart(2, '0')}`)
  for (const name of names) {
    const content = topicContent(name)
    content.definition.display_order = Number(name.slice(1)) % 3
    await writeTopic(folder, content)
  }
  const { admin, service } = await startApi({ PROMPTS_DATA_DIR: folder })
  const all = await ids(admin, 'GET /admin/prompts')
  expect([...all].sort()).toEqual(names)
  for (const limit of [1, 5, 22, 23, 24, 500]) {
    const pages = await pagesOf(service, `GET /prompts?limit=${limit}`)
    expect({ limit, all: pages.flat() }).toEqual({ limit, all })
    expect({ limit, pages: pages.length }).toEqual({ limit, pages: Math.ceil(23 / limit) })
  }
  const first = await admin('GET /admin/prompts?limit=10')
  dataOf(await admin(`DELETE /admin/prompts/${all[9]}`))
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic('aaa', { display_order: -1 }) }))
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic('zzz', { display_order: 9 }) }))
  const rest = await pagesOf(admin, 'GET /admin/prompts?limit=10', first.json.meta?.next_cursor ?? '')
  expect(rest.flat()).toEqual([...all.slice(10), 'zzz'])
})

test('a query that cannot be read is refused by the name of its field', async () => {
  const { admin } = await startApi()
  const cases: [query: string, path: string][] = [
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=', 'cursor'],
    ['cursor=WzEsMl0', 'cursor'],
    ['is_active=yes', 'is_active'],
    ['is_active=TRUE', 'is_active'],
    ['is_active=1', 'is_active'],
    ['is_active=', 'is_active'],
    ['is_active=true&is_active=false', 'is_active'],
    ['deleted=null', 'deleted'],
    ['q=a&q=b', 'q'],
    [`q=${'x'.repeat(201)}`, 'q'],
    ['nonsense=1', 'nonsense'],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
    ['topic_type%5B%5D=kpi', 'topic_type[]'],
    ['Limit=1', 'Limit'],
    ['=1', '(empty)'],
  ]
  const refused = await Promise.all(
    cases.map(async ([query]) => {
      const answer = await admin(`GET /admin/prompts?${query}`)
      return [query, answer.status, answer.json.code, ...pathsOf(answer.json)]
    }),
  )
  expect(refused).toEqual(cases.map(([query, path]) => [query, 400, 'invalid_input', path]))
  const both = await admin('GET /admin/prompts?limit=0&is_active=x&nonsense=1')
  expect(pathsOf(both.json)).toContain('nonsense')
  expectProblem(await admin('GET /prompts/goals?include_parameters=perhaps'), 400, 'invalid_input', [
    'include_parameters',
  ])
  expectProblem(await admin('GET /prompts/goals?topic_id=vision'), 400, 'invalid_input', ['topic_id'])
})

test('history is paged, newest first, without gaps while texts are added', async () => {
  const { admin } = await startApi()
  const at = '/admin/prompts/goals/system'
  for (let edit = 2; edit <= 6; edit++) {
    dataOf(await admin(`PUT ${at}`, { body: { content: `text ${edit}` } }))
  }
  const page = async (query: string) => {
    const answer = await admin(`GET ${at}/history?${query}`)
    const versions = dataOf<{ revision: number; current: boolean }[]>(answer)
    return { next: answer.json.meta?.next_cursor, revisions: versions.map(({ revision }) => revision) }
  }
  const first = await page('limit=2')
  expect(first).toEqual({ next: expect.any(String), revisions: [6, 5] })
  dataOf(await admin(`PUT ${at}`, { body: { content: 'text 7' } }))
  const second = await page(`limit=2&cursor=${first.next}`)
  expect(second).toEqual({ next: expect.any(String), revisions: [4, 3] })
  expect(await page(`limit=2&cursor=${second.next}`)).toEqual({ next: undefined, revisions: [2, 1] })
  for (const query of ['limit=0', 'limit=501', 'cursor=x', 'cursor=', 'nonsense=1']) {
    const name = query.split('=')[0] ?? ''
    expectProblem(await admin(`GET ${at}/history?${query}`), 400, 'invalid_input', [name])
  }
  expectProblem(await admin('GET /admin/prompts/goals/nothing/history'), 404, 'not_found')
})
