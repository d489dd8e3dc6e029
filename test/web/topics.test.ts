import { expect, it } from 'vitest'
import { dataOf, kpiTopic } from '../helpers/api.ts'
import { describeInBrowser } from './browser.ts'

const MARKUP = '<img src=x onerror="document.title=1"><script>alert(1)</script>'

describeInBrowser('the list of topics', ({ server, visit, signIn }) => {
  it('finds topics by id, name, description and parameters; the address holds what is shown', async () => {
    const page = await visit()
    const rows = page.getByRole('row', { name: /./ }).filter({ has: page.getByRole('link') })
    await page.getByText('6 topics').waitFor()
    expect(await rows.count()).toBe(6)
    await page.keyboard.press('/')
    await page.keyboard.type('user_values')
    await page.getByText('1 of 6 topics').waitFor()
    expect(await rows.first().textContent()).toContain('Alignment Analysis')
    await page.getByRole('searchbox').fill('coaching lives by')
    await page.getByText('1 of 6 topics').waitFor()
    // What only a text says is searched for on request.
    await page.getByRole('searchbox').fill('worthy goals of good coaches')
    await page.getByText('No topic matches.').waitFor()
    const path = '/admin/prompts/vision/system'
    dataOf(
      await server.admin(`PUT ${path}`, { body: { content: 'Ask for the Worthy goals of good coaches.' } }),
    )
    await page.getByRole('checkbox', { name: 'Also in texts' }).check()
    await page.getByText('1 of 6 topics').waitFor()
    expect(await rows.first().textContent()).toContain('Vision')
    await page.getByRole('checkbox', { name: 'Also in texts' }).uncheck()
    await page.getByRole('searchbox').fill('')
    await page.getByRole('combobox', { name: 'State' }).selectOption('inactive')
    await page.getByText('0 of 6 topics').waitFor()
    await page.getByRole('combobox', { name: 'State' }).selectOption('all')
    await page.getByRole('combobox', { name: 'Category' }).selectOption('kpi')
    await page.getByText('1 of 6 topics').waitFor()
    await page.getByRole('combobox', { name: 'Category' }).selectOption('')
    await page.getByRole('combobox', { name: 'Type' }).selectOption('conversation_coaching')
    await page.getByRole('button', { name: 'Name', exact: true }).click()
    await page.getByText('4 of 6 topics').waitFor()
    const address = page.url()
    expect(address).toMatch(/\?type=conversation_coaching&sort=name$/)
    await page.goto('about:blank')
    await page.goto(address)
    await page.getByText('4 of 6 topics').waitFor()
    const names = await rows.getByRole('link').allTextContents()
    expect(names).toEqual(['Core Values', 'Goals', 'Purpose', 'Vision'])
  })

  it('is walked through with the keyboard alone', async () => {
    const page = await visit()
    await page.getByText('6 topics').waitFor()
    const list = page.getByRole('grid', { name: 'Topics' })
    await list.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.waitForURL(/topics\/revenue_salesforce/)
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('creates a topic whose id is checked while it is typed', async () => {
    const page = await visit()
    await page.getByText('6 topics').waitFor()
    await page.keyboard.press('n')
    const dialog = page.getByRole('dialog', { name: 'New KPI topic' })
    await dialog.getByLabel('Name').fill('Umsatz (Übersicht)')
    expect(await dialog.getByLabel('Id').inputValue()).toBe('umsatz_uebersicht')
    await dialog.getByText('This id is free.').waitFor()
    await dialog.getByLabel('Id').fill('goals')
    await dialog.getByText('There is a topic with this id already.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Create topic' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Id').fill('Goals!')
    await dialog.getByText('Only lower-case letters').waitFor()
    await dialog.getByLabel('Id').fill('sales')
    await dialog.getByRole('button', { name: 'Create topic' }).click()
    await page.waitForURL(/topics\/sales$/)
    await page.getByText('No prompts yet').waitFor()
    expect(dataOf(await server.admin('GET /admin/prompts/sales'))).toMatchObject({
      topic_name: 'Umsatz (Übersicht)',
      topic_type: 'kpi_system',
    })
  })

  it('a topic is copied with its prompts and parameters', async () => {
    const page = await visit('topics/revenue_salesforce')
    await page.getByRole('button', { name: 'Copy as new topic' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Id').fill('revenue_copy')
    await dialog.getByRole('button', { name: 'Create topic' }).click()
    await page.waitForURL(/topics\/revenue_copy/)
    const path = '/prompts/revenue_salesforce?include_parameters=true'
    const original = dataOf(await server.service(`GET ${path}`))
    const copy = dataOf(await server.service(`GET ${path.replace('salesforce', 'copy')}`))
    expect({ ...copy, topic_id: 'revenue_salesforce' }).toEqual(original)
  })

  it('a topic is deleted without a question and brought back, at once or later', async () => {
    dataOf(await server.admin('POST /admin/prompts', { body: kpiTopic('fleeting') }))
    const page = await visit('topics/fleeting')
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL(/admin\/$/)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('“Topic fleeting” is back.').waitFor()
    dataOf(await server.admin('DELETE /admin/prompts/fleeting'))
    await page.getByRole('combobox', { name: 'State' }).selectOption('deleted')
    await page
      .getByRole('row', { name: /fleeting/ })
      .getByRole('button', { name: 'Revive' })
      .click()
    await page.getByText('No topic is deleted.').waitFor()
    expect(dataOf(await server.admin('GET /admin/prompts/fleeting'))).toMatchObject({ is_active: true })
  })

  it('a topic that programs used today is deleted after a warning', async () => {
    const prompts = { user: 'Hello.' }
    dataOf(await server.admin('POST /admin/prompts', { body: kpiTopic('in_use', { prompts }) }))
    dataOf(await server.service('GET /prompts/in_use'))
    const page = await visit('topics/in_use')
    await page.getByText('1 call in the last day · last by key:first-start now.').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByText('Programs that ask for it will be told').waitFor()
    await page.getByRole('button', { name: 'Delete anyway' }).click()
    await page.getByText('“Topic in_use” is deleted.').waitFor()
  })

  it('a name full of markup is a name', async () => {
    const prompts = { user: MARKUP }
    const body = kpiTopic('markup', { topic_name: MARKUP, description: MARKUP, prompts })
    dataOf(await server.admin('POST /admin/prompts', { body }))
    const page = await visit('?q=markup')
    await page.getByRole('link', { name: MARKUP }).click()
    await page.getByRole('heading', { name: MARKUP }).waitFor()
    await page.getByRole('textbox', { name: 'Text of the user prompt' }).waitFor()
    await page.locator('pre', { hasText: MARKUP }).waitFor()
    expect(await page.locator('img, #page script').count()).toBe(0)
  })

  it('a stranger is told how to sign in, and is let in after that', async () => {
    const page = await visit('topics/goals/prompts/system', { isStranger: true, refused: [401] })
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByText('purposepath-prompts login').waitFor()
    // There is no issuer here.
    expect(await page.getByRole('link', { name: 'Sign in with your account' }).count()).toBe(0)
    await signIn(page.context())
    await page.getByRole('button', { name: 'I have signed in' }).click()
    await page.getByRole('textbox', { name: 'Text of the system prompt' }).waitFor()
  })

  it('speaks German to whoever wants it', async () => {
    const page = await visit('', { locale: 'de-DE' })
    await page
      .getByText('6 Topics')
      .or(page.getByText(/\d+ Topics/))
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Neues Topic' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('de')
    // So do the server's problems, and the editor's own panels.
    await page.goto(`${server.url}/admin/topics/goals/prompts/system`)
    await page.getByRole('textbox', { name: 'Text des system-Prompts' }).click()
    await page.keyboard.type('{{nobody}}')
    await page.getByRole('button', { name: /„nobody“ ist nicht deklariert/ }).waitFor()
    await page.keyboard.press('Control+f')
    const panel = page.locator('.cm-search')
    await panel.getByPlaceholder('Suchen').waitFor()
    await panel.getByPlaceholder('Ersetzen').waitFor()
    const buttons = await panel.getByRole('button').allTextContents()
    expect(buttons).toEqual(['nächste', 'vorige', 'alle', 'ersetzen', 'alle ersetzen', '×'])
    expect(await panel.locator('label').allTextContents()).toEqual(['Groß/klein', 'RegExp', 'ganze Wörter'])
  })

  it('stands in groups by category, or by how ids begin, which are opened and closed', async () => {
    for (const topic_id of ['north_one', 'north_two'])
      dataOf(await server.admin('POST /admin/prompts', { body: kpiTopic(topic_id) }))
    const page = await visit('?group=category&q=a')
    const headings = page.getByRole('button', { expanded: true })
    await headings.filter({ hasText: 'coaching' }).waitFor()
    expect(await headings.allTextContents()).toEqual([
      expect.stringMatching(/^analysis\d/),
      'coaching4',
      expect.stringMatching(/^kpi\d/),
    ])
    await page.getByRole('combobox', { name: 'Groups' }).selectOption('prefix')
    await page.getByRole('searchbox').fill('o')
    await headings.filter({ hasText: 'north_2' }).waitFor()
    await headings.filter({ hasText: /^Other ids\d/ }).waitFor()
    const two = page.getByRole('link', { name: 'Topic north_two' })
    await page.getByRole('grid', { name: 'Topics' }).focus()
    await page.keyboard.press('Enter')
    await two.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'north_', expanded: false }).click()
    await two.waitFor()
  })

  it('holds 10,000 topics: they are walked through, searched and never all in the page', async () => {
    const page = await visit('keys')
    const [topic] = dataOf<object[]>(await server.admin('GET /admin/prompts'))
    await page.route('**/api/v1/admin/prompts?*', async (route) => {
      const url = new URL(route.request().url())
      const [first = 0, limit = 0] = ['cursor', 'limit'].map((name) => Number(url.searchParams.get(name)))
      const data = Array.from({ length: Math.min(limit, 10_000 - first) }, (_, at) => {
        const number = first + at
        return { ...topic, topic_id: `many_${number}`, topic_name: `Topic ${number}` }
      })
      const next = first + limit
      await route.fulfill({ json: { data, ...(next < 10_000 && { meta: { next_cursor: String(next) } }) } })
    })
    await page.getByRole('link', { name: 'Topics' }).click()
    await page.getByText('10000 topics').waitFor({ timeout: 60_000 })
    expect(await page.getByRole('row').count()).toBeLessThan(100)
    await page.getByRole('grid', { name: 'Topics' }).focus()
    await page.keyboard.press('End')
    await page.getByRole('link', { name: 'Topic 9999', exact: true }).waitFor()
    await page.getByRole('searchbox').fill('many_4711')
    await page.getByText('1 of 10000 topics').waitFor()
  })
})
