import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { type ApiServer, dataOf, kpiTopic } from '../helpers/api.ts'
import { startServer, waitFor } from '../helpers/program.ts'
import { describeInBrowser } from './browser.ts'

const TEXT = 'You watch the revenue. Be brief.\n\nName {{kpi_value}} first. Then say why. End politely.\n'
const kpi_value = { name: 'kpi_value', type: 'number', required: true, description: 'Revenue of the period.' }

let count = 0
/** A topic of its own for a test, with one prompt. */
async function newTopic({ admin }: ApiServer, text = TEXT): Promise<string> {
  count++
  const topic_id = `edited_${count}`
  const more = { allowed_parameters: [kpi_value], prompts: { system: text } }
  dataOf(await admin('POST /admin/prompts', { body: kpiTopic(topic_id, more) }))
  return topic_id
}

const placeOf = (topic_id: string) => `topics/${topic_id}/prompts/system`
const editorOf = (page: Page) => page.getByRole('textbox', { name: 'Text of the system prompt' })
const saveButton = (page: Page) => page.getByRole('button', { name: 'Save – goes live' })

/** Types behind the first place where `before` stands. */
async function typeAfter(page: Page, before: string, text: string): Promise<void> {
  const editor = editorOf(page)
  await editor.click()
  await editor.evaluate(selectAfter, before)
  // Braces are completed while they are typed; other text may come at once.
  await (text.includes('{') ? page.keyboard.type(text) : page.keyboard.insertText(text))
}

/** Runs in the page: puts the cursor there, and waits until the editor has seen it. */
async function selectAfter(editor: HTMLElement | SVGElement, before: string): Promise<void> {
  const walker = document.createTreeWalker(editor, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const at = walker.currentNode.nodeValue?.indexOf(before) ?? -1
    if (at === -1) continue
    const seen = new Promise((resolve) =>
      document.addEventListener('selectionchange', () => requestAnimationFrame(resolve), { once: true }),
    )
    // Twice, because the cursor may have been there already.
    getSelection()?.collapse(walker.currentNode, at)
    getSelection()?.collapse(walker.currentNode, at + before.length)
    await seen
    return
  }
  throw new Error(`"${before}" is not in the text.`)
}

async function textOf(page: Page): Promise<string> {
  await editorOf(page).waitFor()
  return (await editorOf(page).locator('.cm-line').allTextContents()).join('\n')
}

describeInBrowser('editing a prompt', ({ server, visit, signIn }) => {
  const live = async (topic_id: string) =>
    dataOf<{ content: string; revision: number }>(await server.admin(`GET /admin/prompts/${topic_id}/system`))
  const colleagueSaves = async (topic_id: string, content: string) =>
    dataOf(await server.admin(`PUT /admin/prompts/${topic_id}/system`, { body: { content } }))

  it('marks variables, suggests declared ones, names what is wrong where it is, declares and saves', async () => {
    const topic_id = await newTopic(server)
    const page = await visit(placeOf(topic_id))
    await typeAfter(page, 'Be brief.', ' Greet {{user_nmae}}.')
    await page.getByText('1 problem').waitFor()
    const problem = page.getByRole('list', { name: 'Problems' }).getByRole('listitem')
    expect(await problem.textContent()).toContain('1:40"user_nmae" is not declared.')
    expect(await page.locator('.cm-tag-undeclared').textContent()).toBe('{{user_nmae}}')
    const underline = page.locator('.cm-lintRange-error').first()
    expect(await underline.evaluate((element) => getComputedStyle(element).textDecorationStyle)).toBe('wavy')

    await problem.getByRole('button', { name: 'Declare “user_nmae”' }).click()
    await page.getByText('No problems').waitFor()
    await page.locator('.cm-tag-undeclared').waitFor({ state: 'detached' })

    await typeAfter(page, 'politely.', ' Again: {{kpi')
    const option = page.getByRole('option', { name: /kpi_value/ })
    await option.waitFor()
    expect(await option.textContent()).toBe('kpi_valuenumber')
    await page.locator('.cm-completionInfo', { hasText: 'Revenue of the period.' }).waitFor()
    // A key in the first 75 ms of a suggestion counts as typed: nobody could have seen it.
    await page.waitForTimeout(100)
    await page.keyboard.press('Enter')
    await page.keyboard.type('.')
    await page.getByRole('textbox', { name: 'What changed?' }).fill('Greets the person')
    await page.keyboard.press('Control+s')
    await page.getByText('Saved. Revision 2 is live.').waitFor()
    const { content } = await live(topic_id)
    expect(content).toContain('Greet {{user_nmae}}.')
    expect(content).toContain('End politely. Again: {{kpi_value}}.')
    const [newest] = dataOf<{ note?: string }[]>(
      await server.admin(`GET /admin/prompts/${topic_id}/system/history`),
    )
    expect(newest?.note).toBe('Greets the person')
    await page.getByText('Live', { exact: true }).waitFor()
  })

  it('marks nothing that is valid, and says which parameters are used where', async () => {
    const topic_id = `edited_${++count}`
    const text = [
      'Page {{page2}} of {{ report.pages }}.',
      '{{#rows}}{{label}}: {{.}} {{/rows}}{{^rows}}none{{/rows}}',
      '{{! a note }}{{{page2}}} {{&page2}} Braces: \\{{literal}}',
    ].join('\n')
    const allowed_parameters = [
      { name: 'page2', type: 'number' },
      { name: 'report', type: 'object' },
      { name: 'rows', type: 'array' },
      { name: 'greeting', type: 'string' },
      { name: 'forgotten', type: 'string' },
    ]
    const prompts = { system: text, user: '{{greeting}}' }
    dataOf(
      await server.admin('POST /admin/prompts', {
        body: kpiTopic(topic_id, { allowed_parameters, prompts }),
      }),
    )
    const page = await visit(placeOf(topic_id))
    await page.getByText('No problems', { exact: true }).waitFor()
    await page.getByText(`${text.length} of 51,200 bytes`).waitFor()
    await page.locator('.cm-tag-declared').first().waitFor()
    expect(await page.locator('.cm-tag-undeclared, .cm-tag-broken, .cm-lintRange').count()).toBe(0)
    await page.getByRole('button', { name: 'greeting · unused here' }).waitFor()
    await page.getByRole('button', { name: 'forgotten · used nowhere' }).waitFor()
    await page.getByRole('button', { name: 'rows', exact: true }).waitFor()
    await page.getByRole('link', { name: 'Parameters', exact: true }).click()
    await page.getByRole('group', { name: 'Parameter forgotten' }).getByText('No prompt uses it.').waitFor()
    expect(await page.getByText('No prompt uses it.').count()).toBe(1)
  })

  it('shows the text with sample values, which stay when the page is loaded again', async () => {
    const page = await visit(placeOf(await newTopic(server)))
    await page.getByRole('spinbutton', { name: 'kpi_value' }).fill('95000')
    await page.getByText('Name 95000 first.').waitFor()
    await page.getByRole('spinbutton', { name: 'kpi_value' }).fill('')
    await page.getByText(/is required/).waitFor()
    await page.getByRole('spinbutton', { name: 'kpi_value' }).fill('17')
    await page.reload()
    await page.getByText('Name 17 first.').waitFor()
  })

  it('is left with Tab, and nothing is changed by that', async () => {
    const page = await visit(placeOf(await newTopic(server)))
    await editorOf(page).click()
    await page.keyboard.press('Tab')
    expect(await editorOf(page).evaluate((element) => element === document.activeElement)).toBe(false)
    expect(await textOf(page)).toBe(TEXT)
  })

  it('adds the first prompt of a topic when its text is saved', async () => {
    dataOf(await server.admin('POST /admin/prompts', { body: kpiTopic('without_prompts') }))
    const page = await visit('topics/without_prompts')
    await page.getByRole('button', { name: 'Write the system prompt' }).click()
    await editorOf(page).click()
    await page.keyboard.type('Be kind.')
    await saveButton(page).click()
    await page.getByText('Saved. Revision 1 is live.').waitFor()
    expect(await live('without_prompts')).toMatchObject({ content: 'Be kind.' })
  })

  describe('drafts', () => {
    it('survive a reload, are shown as drafts, and are discarded and brought back', async () => {
      const topic_id = await newTopic(server)
      const page = await visit(placeOf(topic_id))
      await typeAfter(page, 'Be brief.', ' Be exact.')
      await page.getByText('Draft', { exact: true }).waitFor()
      await page.reload()
      await page.getByText('This is your draft, not the live text.').waitFor()
      expect(await textOf(page)).toContain('Be brief. Be exact.')
      expect((await live(topic_id)).content).toBe(TEXT)
      await page.getByRole('button', { name: 'Show difference' }).click()
      await page.getByRole('dialog').getByText('Your draft', { exact: true }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Discard draft' }).click()
      await waitFor(async () => (await textOf(page)) === TEXT)
      await page.getByRole('button', { name: 'Undo' }).click()
      await waitFor(async () => (await textOf(page)).includes('Be exact.'))
    })

    it('survive a closed tab, also when the live text has gone on meanwhile', async () => {
      const topic_id = await newTopic(server)
      const page = await visit(placeOf(topic_id), { refused: [412] })
      await typeAfter(page, 'Be brief.', ' Be exact.')
      // As soon as it is typed, without a pause.
      await page.close({ runBeforeUnload: true })
      await colleagueSaves(topic_id, TEXT.replace('End politely.', 'End warmly.'))
      const again = await page.context().newPage()
      await again.goto(`${server.url}/admin/${placeOf(topic_id)}`)
      await again.getByText('It began with revision 1; live is revision 2 now.').waitFor()
      expect(await textOf(again)).toContain('Be exact.')
      expect(await textOf(again)).toContain('End politely.')
      // Saving it is saving an edit of revision 1: what a colleague wrote since is merged, not overwritten.
      await saveButton(again).click()
      await again.getByRole('dialog', { name: 'Merge two edits' }).waitFor()
      expect((await live(topic_id)).content).toContain('End warmly.')
    })

    it('survive a look at another prompt, and at another window', async () => {
      const topic_id = await newTopic(server)
      const page = await visit(placeOf(topic_id))
      await typeAfter(page, 'Be brief.', ' Be exact.')
      // As soon as it is typed, without a pause.
      await page.getByRole('link', { name: 'Parameters', exact: true }).click()
      await page.getByRole('group', { name: 'Parameter kpi_value' }).waitFor()
      await page.getByRole('link', { name: 'system' }).click()
      await page.getByText('This is your draft, not the live text.').waitFor()
      await colleagueSaves(topic_id, TEXT.replace('End politely.', 'End warmly.'))
      const other = await page.context().newPage()
      await other.bringToFront()
      await page.bringToFront()
      await page.getByText('admin@purposepath.ai saved revision 2').waitFor()
      expect(await textOf(page)).toContain('Be brief. Be exact.')
    })

    it('are compared with the live text before they are saved', async () => {
      const page = await visit(placeOf(await newTopic(server)))
      await typeAfter(page, 'Be brief.', ' Be exact.')
      await page.getByRole('button', { name: 'Show difference' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('Live, revision 1').waitFor()
      await dialog.locator('.cm-changedText', { hasText: 'Be exact.' }).waitFor()
    })

    it('of two tabs do not overwrite each other', async () => {
      const topic_id = await newTopic(server)
      const first = await visit(placeOf(topic_id))
      await typeAfter(first, 'Be brief.', ' First tab.')
      await first.getByText('Draft', { exact: true }).waitFor()
      const second = await first.context().newPage()
      await second.goto(`${server.url}/admin/${placeOf(topic_id)}`)
      await typeAfter(second, 'Be brief.', ' Second tab.')
      await second.getByText('Draft', { exact: true }).waitFor()
      expect(await textOf(second)).not.toContain('First tab.')
      await Promise.all([first.reload(), second.reload()])
      await Promise.all([first, second].map((page) => page.getByText('This is your draft').waitFor()))
      const texts = `${await textOf(first)} ${await textOf(second)}`
      expect(texts).toContain('First tab.')
      expect(texts).toContain('Second tab.')
    })
  })

  describe('while a colleague saves', () => {
    it('a text that nobody touches follows', async () => {
      const topic_id = await newTopic(server)
      const page = await visit(placeOf(topic_id))
      await editorOf(page).waitFor()
      await colleagueSaves(topic_id, TEXT.replace('Be brief.', 'Be very brief.'))
      await waitFor(async () => (await textOf(page)).includes('Be very brief.'))
    })

    it('two browsers: edits of different sentences are merged and shown, and both are published', async () => {
      const topic_id = await newTopic(server)
      const [page, colleague] = await Promise.all([visit(placeOf(topic_id)), visit(placeOf(topic_id))])
      await typeAfter(page, 'Be brief', ' and exact')
      const mine = await textOf(page)
      await typeAfter(colleague, 'End politely', ' and warmly')
      await saveButton(colleague).click()
      await colleague.getByText('Saved. Revision 2 is live.').waitFor()
      const before = Date.now()
      await page.getByText(/ saved revision 2/).waitFor()
      // Freshness of the server, and time for a busy machine to show it.
      expect(Date.now() - before).toBeLessThan(3_000)
      expect(await textOf(page)).toBe(mine)
      await page.getByRole('button', { name: 'Merge' }).click()
      const dialog = page.getByRole('dialog', { name: 'Merge two edits' })
      await dialog.getByText('Your edits do not overlap').waitFor()
      expect(await dialog.locator('mark[data-kind=mine]').textContent()).toContain('Be brief and exact.')
      expect(await dialog.locator('mark[data-kind=theirs]').textContent()).toContain('and warmly.')
      await dialog.getByRole('button', { name: 'Save merged text – goes live' }).click()
      await page.getByText('Saved. Revision 3 is live.').waitFor()
      await dialog.waitFor({ state: 'detached' })
      const merged = TEXT.replace('Be brief', 'Be brief and exact').replace('politely', 'politely and warmly')
      expect((await live(topic_id)).content).toBe(merged)
      expect(await textOf(page)).toBe(merged)
    })

    it('two browsers: the second save of one sentence is decided part by part, and no word is lost', async () => {
      const topic_id = await newTopic(server)
      const [ada, ben] = await Promise.all([
        visit(placeOf(topic_id)),
        visit(placeOf(topic_id), { refused: [412] }),
      ])
      await typeAfter(ada, 'Then say why', ', in one word')
      await typeAfter(ben, 'Then say why', ', at length')
      await saveButton(ada).click()
      await ada.getByText('Saved. Revision 2 is live.').waitFor()
      await saveButton(ben).click()
      const dialog = ben.getByRole('dialog', { name: 'Merge two edits' })
      await dialog.getByText('One part was changed by both of you').waitFor()
      const save = dialog.getByRole('button', { name: 'Save merged text – goes live' })
      expect(await save.isDisabled()).toBe(true)
      // Whoever closes the dialog has lost nothing.
      await ben.keyboard.press('Escape')
      expect(await textOf(ben)).toContain('Then say why, at length.')
      await saveButton(ben).click()
      await dialog.getByRole('radio', { name: /^Both/ }).check()
      await save.click()
      await ben.getByText('Saved. Revision 3 is live.').waitFor()
      const { content } = await live(topic_id)
      expect(content).toContain('Then say why, at length.')
      expect(content).toContain('Then say why, in one word.')
    })
  })

  it('a session that ends while typing costs nothing', async () => {
    const topic_id = await newTopic(server)
    const page = await visit(placeOf(topic_id), { refused: [401] })
    await typeAfter(page, 'Be brief.', ' Be exact.')
    await page.context().clearCookies()
    await saveButton(page).click()
    await page.getByText('Your session has ended.').waitFor()
    await typeAfter(page, 'Be exact.', ' Be kind.')
    await signIn(page.context())
    await page.getByRole('button', { name: 'I have signed in' }).click()
    await page.getByText('Your session has ended.').waitFor({ state: 'hidden' })
    await saveButton(page).click()
    await page.getByText('Saved. Revision 2 is live.').waitFor()
    expect((await live(topic_id)).content).toContain('Be brief. Be exact. Be kind.')
  })

  it('a server that goes away while typing costs nothing', async () => {
    const topic_id = await newTopic(server)
    const page = await visit(placeOf(topic_id), { refused: [0] })
    await typeAfter(page, 'Be brief.', ' Be exact.')
    await server.stop('SIGKILL')
    await saveButton(page).click()
    await page.getByText('The server does not answer. What you type').waitFor()
    await typeAfter(page, 'Be exact.', ' Be kind.')
    const settings = { ...server.settings, PROMPTS_PORT: new URL(server.url).port }
    await startServer(settings)
    await page.getByText('The server does not answer. What you type').waitFor({ state: 'hidden' })
    await saveButton(page).click()
    await page.getByText('Saved. Revision 2 is live.').waitFor()
    expect((await live(topic_id)).content).toContain('Be brief. Be exact. Be kind.')
  })
})
