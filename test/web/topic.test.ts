import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { api, dataOf, kpiTopic } from '../helpers/api.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { says, sendError } from '../stand-ins/openai-replies.ts'
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
      await page.getByText('No prompt uses it.').waitFor()
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

    it('is called from programs: what they need is copied, with the sample values', async () => {
      await create('called')
      const page = await visit('topics/called/prompts/user')
      await page.getByRole('spinbutton', { name: 'kpi_value' }).fill('17')
      await page.getByText('Analyse 17.').waitFor()
      await page.getByRole('link', { name: 'Details' }).click()
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      const copied = async (name: string) => {
        await page.getByRole('button', { name: `Copy ${name}`, exact: true }).click()
        return page.evaluate(() => navigator.clipboard.readText())
      }
      expect(await copied('topic_id')).toBe('called')
      expect(await copied('C#')).toContain(`PostAsync("${server.url}/api/v1/prompts/called/render", body)`)
      expect(JSON.parse(await copied('MCP prompts/get'))).toEqual({
        name: 'called',
        arguments: { kpi_value: '17' },
      })
      const env = { ...process.env, API_KEY: server.key }
      const { stdout } = await promisify(execFile)('sh', ['-c', `${await copied('curl')} -s`], { env })
      expect(JSON.parse(stdout).data.prompts.user).toBe('Analyse 17.')
    })

    it('a part of the page that the server does not have any more says so, and what was typed is kept', async () => {
      await create('updated')
      const page = await visit('topics/updated/prompts/system', { refused: [404] })
      await page.route('**/assets/details-page-*', (route) => route.fulfill({ status: 404 }))
      await page.getByRole('textbox', { name: 'Text of the system prompt' }).click()
      await page.keyboard.insertText('Be exact. ')
      await page.getByRole('link', { name: 'Details' }).click()
      await page.getByText('This part of the page could not be loaded.').waitFor()
      await page.unrouteAll()
      await page.getByRole('button', { name: 'Load the page again' }).click()
      await page.getByLabel('Description').waitFor()
      await page.getByRole('link', { name: 'system' }).click()
      await page.getByText('This is your draft, not the live text.').waitFor()
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
      await page
        .locator('.cm-changedText', { hasText: /^very $/ })
        .first()
        .waitFor()
      await page.getByRole('button', { name: 'Restore revision 2 – goes live' }).click()
      await page.getByText('The text of revision 2 is live again, as revision 4.').waitFor()
      expect(dataOf(await server.admin('GET /admin/prompts/compared/system'))).toMatchObject({
        content: 'Be very brief.',
      })
    })

    it('a deleted prompt is restored, unless it is there again by then', async () => {
      await create('removed')
      dataOf(await server.admin('DELETE /admin/prompts/removed/system'))
      const page = await visit('topics/removed/prompts/system/history', { refused: [409] })
      const restore = page.getByRole('button', { name: 'Restore revision 1 – goes live' })
      const isSent = page.waitForResponse((answer) => answer.request().method() === 'POST')
      await page.route('**/removed/system', async (route) => {
        const body = { content: 'A colleague was quicker.' }
        if (route.request().method() === 'POST')
          await server.admin('POST /admin/prompts/removed/system', { body })
        await route.continue()
      })
      await restore.click()
      expect((await isSent).status()).toBe(409)
      await page.unrouteAll()
      expect(dataOf(await server.admin('GET /admin/prompts/removed/system'))).toMatchObject({
        content: 'A colleague was quicker.',
      })
      dataOf(await server.admin('DELETE /admin/prompts/removed/system'))
      await page.reload()
      await page.getByRole('button', { name: /^Revision 1/ }).click()
      await restore.click()
      await page.getByText(/The text of revision 1 is live again/).waitFor()
    })

    it('a text that was saved meanwhile is not overwritten by restoring', async () => {
      await create('raced')
      const saves = async (content: string) =>
        dataOf(await server.admin('PUT /admin/prompts/raced/system', { body: { content } }))
      await saves('Be very brief.')
      const page = await visit('topics/raced/prompts/system/history', { refused: [412] })
      await page.getByRole('button', { name: /^Revision 1/ }).click()
      const restore = page.getByRole('button', { name: 'Restore revision 1 – goes live' })
      await restore.waitFor()
      // The page asks for news every second; of these it has not heard yet.
      let tell = () => {}
      const told = new Promise<void>((resolve) => {
        tell = resolve
      })
      await page.route('**/api/v1/admin/prompts/raced', async (route) => {
        await told
        await route.continue()
      })
      await page.waitForRequest('**/api/v1/admin/prompts/raced')
      await saves('A colleague was quicker.')
      await restore.click()
      tell()
      await page.getByText('admin@purposepath.ai saved revision 3 meanwhile. Nothing was restored').waitFor()
      await page.getByRole('button', { name: /^Revision 3/ }).waitFor()
      expect(dataOf(await server.admin('GET /admin/prompts/raced/system'))).toMatchObject({
        content: 'A colleague was quicker.',
      })
      await restore.click()
      await page.getByText('The text of revision 1 is live again, as revision 4.').waitFor()
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
      // Below a long form the button is in sight without scrolling.
      const run = page.getByRole('button', { name: 'Run draft and live text' })
      await page.setViewportSize({ width: 375, height: 400 })
      await page.locator('main').evaluate((main) => main.scrollTo(0, 0))
      expect(await run.evaluate((button) => button.getBoundingClientRect().bottom <= innerHeight)).toBe(true)
      await run.click()
      await page.getByText('From the draft.').waitFor()
      await page.getByText('From the live text.').waitFor()
      // What is asked is what programs are served: with the values in their places.
      expect(model.chats.at(-1)?.body.messages.at(-1)?.content).toBe('Analyse 95000.')
      await page
        .getByText(/stand-in · [\d,]+ tokens in, [\d,]+ out · [\d.]+ s/)
        .first()
        .waitFor()
      expect(dataOf(await server.admin('GET /admin/prompts/run/system'))).toMatchObject({
        content: 'Be brief.',
      })
    })

    it('a coach is talked to: all is said once, and each side answers out of its own history', async () => {
      const page = await visit('topics/goals/prompts/system')
      await page.getByRole('textbox', { name: 'Text of the system prompt' }).click()
      await page.keyboard.press('Control+Home')
      await page.keyboard.type('Be exact. ')
      await page.getByText('Draft', { exact: true }).waitFor()
      const asked: { side: string; messages: string[] }[] = []
      model.always((chat) => {
        const [system, ...messages] = chat.body.messages.map(({ content }) => content)
        const side = system?.startsWith('Be exact. ') ? 'draft' : 'live'
        asked.push({ side, messages })
        return says(`Answer ${Math.ceil(messages.length / 2)} of the ${side}.`)(chat)
      })
      await page.getByRole('link', { name: 'Run' }).click()
      await page.getByRole('textbox', { name: 'user_name' }).fill('Ada')
      const message = page.getByRole('textbox', { name: 'What the user says' })
      for (const [at, text] of ['Where do I begin?', 'And then?'].entries()) {
        await message.fill(text)
        await message.press('Control+Enter')
        for (const [side, name] of [
          ['draft', 'Draft (system)'],
          ['live', 'Live text'],
        ] as const)
          await page
            .getByRole('log', { name })
            .getByText(`Answer ${at + 1} of the ${side}.`)
            .waitFor()
      }
      for (const side of ['draft', 'live']) {
        const [, { messages } = { messages: [] }] = asked.filter((one) => one.side === side)
        expect(messages.slice(1)).toEqual([`Answer 1 of the ${side}.`, 'And then?'])
        expect(messages[0]).toMatch(/^# Goals session with Ada\n.*\n\nWhere do I begin\?$/s)
      }
      const facts = page.getByText(/stand-in · [\d,]+ tokens in, [\d,]+ out · [\d.]+ s/)
      await facts.nth(3).waitFor()
      expect(await facts.count()).toBe(4)
      // Values are those that the conversation began with.
      expect(await page.getByRole('textbox', { name: 'user_name' }).isDisabled()).toBe(true)
      await page.getByRole('button', { name: 'New conversation' }).click()
      expect(await page.getByRole('textbox', { name: 'user_name' }).isEnabled()).toBe(true)
      expect(await page.getByText('The conversation appears here.').count()).toBe(2)
      const { data } = (await api(server, 'GET /conversations', { token: server.token })).json
      expect(data).toEqual([])
    })

    it('an answer that fails can be asked for again, and half an answer is no part of the history', async () => {
      const page = await visit('topics/vision/run', { refused: [502] })
      const message = page.getByRole('textbox', { name: 'What the user says' })
      model.always((chat) => sendError(chat.response, 401, { message: 'not today' }))
      await message.fill('Hello')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('alert').waitFor()
      model.always(says('Good day.'))
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByText('Good day.').waitFor()
      // An answer that goes on until it is stopped.
      model.always(says('Once upon a time. '.repeat(1_000), { everyMs: 50 }))
      await message.fill('A story')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('Once upon').waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      let heard: string[] = []
      model.always((chat) => {
        heard = chat.body.messages.map(({ content }) => content)
        return says('Short, then.')(chat)
      })
      await message.fill('A short one')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('Short, then.').waitFor()
      expect(heard.slice(-2)).toEqual(['Good day.', 'A story\n\nA short one'])
    })

    it('sample values are kept as named cases, exported and imported', async () => {
      await create('cases')
      const page = await visit('topics/cases/prompts/user')
      const value = page.getByRole('spinbutton', { name: 'kpi_value' })
      const name = page.getByRole('textbox', { name: 'Name of the case' })
      await value.fill('17')
      await name.fill('Small')
      await page.getByRole('button', { name: 'New case' }).click()
      await name.fill('Large')
      await value.fill('95000')
      await page.getByText('Analyse 95000.').waitFor()
      await page.reload()
      await page.getByRole('combobox', { name: 'Case' }).selectOption('Small')
      await page.getByText('Analyse 17.').waitFor()
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Export' }).click(),
      ])
      expect(file.suggestedFilename()).toBe('cases.samples.json')
      const exported = JSON.parse(readFileSync(await file.path(), 'utf8'))
      expect(exported).toEqual({
        topic_id: 'cases',
        cases: [
          { name: 'Small', parameters: { kpi_value: 17 } },
          { name: 'Large', parameters: { kpi_value: 95000 } },
        ],
      })
      const take = (text: string) =>
        page.getByLabel('Import').setInputFiles({ name: 'x.json', mimeType: '', buffer: Buffer.from(text) })
      const added = [
        { name: 'Small', parameters: { kpi_value: 18, gone: 1 } },
        { name: 'Empty', parameters: {} },
      ]
      await take(JSON.stringify({ cases: added }))
      await page
        .getByText('2 cases are imported. Left out, because the topic has no such parameter: gone.')
        .waitFor()
      expect(
        await page.getByRole('combobox', { name: 'Case' }).getByRole('option').allTextContents(),
      ).toEqual(['Large', 'Small', 'Empty'])
      await page.getByText('Analyse 18.').waitFor()
      await page.getByRole('combobox', { name: 'Case' }).selectOption('Empty')
      await page.getByText(/is required/).waitFor()
      await take('{')
      await page.getByText('this file is not JSON').waitFor()
      await take('{"cases": [{"name": 1}]}')
      await page.getByText('this file holds no cases').waitFor()
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
      expect(await page.evaluate(() => document.cookie)).toBe('')
    })
  },
  settings,
)
