import { beforeAll, expect, it } from 'vitest'
import { api, dataOf, kpiTopic } from '../helpers/api.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { says } from '../stand-ins/openai-replies.ts'
import { describeInBrowser } from './browser.ts'

const kpi_value = { name: 'kpi_value', type: 'number', required: true }
const prompts = { system: 'Be brief.', user: 'Analyse {{kpi_value}}.' }

const model = await startOpenAi()
const settings = { PROMPTS_LLM: 'openai', PROMPTS_LLM_BASE_URL: model.baseUrl, PROMPTS_LLM_MODEL: 'stand-in' }

describeInBrowser(
  'what belongs to a topic',
  ({ server, visit }) => {
    beforeAll(() => () => model.stop())
    const create = async (topic_id: string) =>
      dataOf(
        await server.admin('POST /admin/prompts', {
          body: kpiTopic(topic_id, { allowed_parameters: [kpi_value], prompts }),
        }),
      )
    const parametersOf = async (topic_id: string) =>
      dataOf<{ allowed_parameters: unknown[] }>(await server.admin(`GET /admin/prompts/${topic_id}`))
        .allowed_parameters

    it('a change of parameters says what it breaks before it is saved, and survives a reload', async () => {
      await create('parameters')
      const page = await visit('topics/parameters/parameters', { refused: [400] })
      const row = page.getByRole('group', { name: 'Parameter kpi_value' })
      await row.getByLabel('Name').fill('value')
      await page.getByText('This would break one place in the prompts').waitFor()
      await page.getByText('user 1:9 "kpi_value" is not declared.').waitFor()
      await page.getByText('Draft', { exact: true }).waitFor()
      await page.reload()
      await page.getByText('user 1:9 "kpi_value" is not declared.').waitFor()
      await page.getByRole('button', { name: 'Discard changes' }).click()
      await page.getByRole('button', { name: '+ Parameter' }).click()
      const added = page.getByRole('group', { name: /^Parameter ?$/ })
      await added.getByLabel('Name').fill('tone')
      const tone = page.getByRole('group', { name: 'Parameter tone' })
      await tone.getByLabel('Required').check()
      await page.getByText('Programs that do not send tone will be refused.').waitFor()
      await tone.getByLabel('Rule').selectOption({ label: 'One of these' })
      await tone.getByLabel('Allowed values').fill('calm\nstern')
      await tone.getByLabel('Default').fill('loud')
      await page.getByRole('button', { name: 'Move tone up' }).click()
      const save = page.getByRole('button', { name: 'Save – goes live' })
      await save.click()
      // The server's refusal stands at its field.
      await tone.getByText('expected one of calm, stern').waitFor()
      await tone.getByLabel('Default').fill('calm')
      await save.click()
      await page.getByText('Saved. The change is live.').waitFor()
      const validation = { type: 'enum', enum_values: ['calm', 'stern'] }
      expect(await parametersOf('parameters')).toEqual([
        { name: 'tone', type: 'string', required: true, default: 'calm', validation },
        kpi_value,
      ])
    })

    it('details are saved field by field: what somebody else changed stays', async () => {
      await create('details')
      const page = await visit('topics/details/details')
      await page.getByLabel('Description').fill('Mine.')
      dataOf(await server.admin('PUT /admin/prompts/details', { body: { topic_name: 'Renamed' } }))
      await page.getByRole('heading', { name: 'Renamed' }).waitFor()
      await page.getByRole('button', { name: 'Save – goes live' }).click()
      await page.getByText('Saved. The change is live.').waitFor()
      expect(dataOf(await server.admin('GET /admin/prompts/details'))).toMatchObject({
        topic_name: 'Renamed',
        description: 'Mine.',
      })
      await page.getByLabel('Description').fill('Mine again.')
      dataOf(await server.admin('PUT /admin/prompts/details', { body: { description: 'Theirs.' } }))
      await page.getByText('admin@purposepath.ai has changed the same meanwhile.').waitFor()
      await page.getByRole('button', { name: 'Take theirs' }).click()
      expect(await page.getByLabel('Description').inputValue()).toBe('Theirs.')
    })

    it('any two texts are compared at an address of their own, and an earlier one is restored', async () => {
      await create('compared')
      for (const content of ['Be very brief.', 'Be very, very brief.'])
        dataOf(
          await server.admin('PUT /admin/prompts/compared/system', {
            body: { content, note: `Now: ${content}` },
          }),
        )
      const page = await visit('topics/compared/prompts/system')
      await page.getByRole('link', { name: 'History' }).click()
      await page.getByText('Revision 2 → 3').waitFor()
      await page.getByText('Now: Be very, very brief.').waitFor()
      await page.getByRole('radio', { name: 'Compare with revision 1' }).check()
      await page.getByRole('button', { name: /^Revision 2/ }).click()
      await page.getByText('Revision 1 → 2').waitFor()
      const address = page.url()
      await page.goto('about:blank')
      await page.goto(address)
      await page.getByText('Revision 1 → 2').waitFor()
      expect(await page.locator('.cm-changedText').allTextContents()).toContain('very ')
      await page.getByRole('button', { name: 'Restore revision 2 – goes live' }).click()
      await page.getByText('The text of revision 2 is live again, as revision 4.').waitFor()
      expect(dataOf(await server.admin('GET /admin/prompts/compared/system'))).toMatchObject({
        content: 'Be very brief.',
      })
    })

    it('a draft is run beside the live text on the same values, and nothing is published', async () => {
      await create('run')
      const answer = (analysis: string) =>
        says(JSON.stringify({ analysis, recommendations: ['Call.'], severity: 'warning' }))
      model.always((chat) =>
        answer(JSON.stringify(chat.body).includes('exact') ? 'From the draft.' : 'From the live text.')(chat),
      )
      const page = await visit('topics/run/prompts/system')
      await page.getByRole('textbox', { name: 'Text of the system prompt' }).click()
      await page.keyboard.press('Control+End')
      await page.keyboard.type(' Be exact.')
      await page.getByRole('link', { name: 'Run' }).click()
      await page.getByRole('spinbutton', { name: 'kpi_value' }).fill('95000')
      await page.getByRole('button', { name: 'Run draft and live text' }).click()
      await page.getByText('From the draft.').waitFor()
      await page.getByText('From the live text.').waitFor()
      await page
        .getByText(/stand-in · [\d,]+ tokens in, [\d,]+ out · [\d.]+ s/)
        .first()
        .waitFor()
      expect(dataOf(await server.admin('GET /admin/prompts/run/system'))).toMatchObject({
        content: 'Be brief.',
      })
    })

    it('a key is shown once and revoked', async () => {
      const page = await visit('keys')
      await page.getByRole('button', { name: 'New key' }).click()
      await page.getByLabel('Name').fill('reports')
      await page.getByRole('button', { name: 'Create key' }).click()
      const shown = page.getByText(/^ppath_svc_dev_[0-9a-f]{48}$/)
      const key = (await shown.textContent()) as string
      expect((await api(server, 'GET /prompts', { key })).status).toBe(200)
      await page.getByRole('button', { name: 'Done' }).click()
      await shown.waitFor({ state: 'detached' })
      expect(await page.content()).not.toContain(key)
      const row = page.getByRole('listitem').filter({ hasText: 'reports' })
      await row.getByRole('button', { name: 'Revoke reports' }).click()
      await row.getByRole('button', { name: 'Revoke for good' }).click()
      await page.getByText('“reports” is revoked.').waitFor()
      await row.getByText('Revoked').waitFor()
      const stored = await page.evaluate(
        () => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href,
      )
      expect(stored).not.toMatch(/ppath_/)
    })
  },
  settings,
)
