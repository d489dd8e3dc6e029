import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { dataOf, kpiTopic } from '../helpers/api.ts'
import { describeInBrowser } from './browser.ts'

const TEXT = '# Revenue\n\nName {{kpi_value}} and {{#rows}}{{label}}{{/rows}}.\n'
const allowed_parameters = [
  { name: 'kpi_value', type: 'number', required: true, validation: { type: 'range', min: 0 } },
  { name: 'rows', type: 'array', required: false },
  {
    name: 'tone',
    type: 'string',
    required: false,
    validation: { type: 'enum', enum_values: ['calm', 'stern'] },
  },
]

/** Every view, with what must be there before it counts as shown. */
const VIEWS: [name: string, place: string, shown: Parameters<Page['getByRole']>[0]][] = [
  ['topics', '?group=category', 'row'],
  ['an editor', 'topics/looked_at/prompts/system', 'textbox'],
  ['a history', 'topics/looked_at/prompts/system/history', 'textbox'],
  ['parameters', 'topics/looked_at/parameters', 'group'],
  ['a run', 'topics/looked_at/run', 'button'],
  ['a run of a coach', 'topics/goals/run', 'article'],
  ['details', 'topics/looked_at/details', 'group'],
  ['a topic without prompts', 'topics/empty', 'button'],
  ['keys', 'keys', 'listitem'],
  ['nothing', 'topics/nobody_has_this', 'link'],
]

async function faultsInBothSchemes(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const faults: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // In the other scheme only the colours are others.
    const rules = colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : {}
    const { violations } = await page.evaluate(
      (rules) =>
        (window as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'], ...rules }),
      rules,
    )
    faults.push(
      ...violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map(({ html }) => html)}`),
    )
  }
  return faults
}

describeInBrowser('every view', ({ server, visit }) => {
  beforeAll(async () => {
    const prompts = { system: TEXT, user: 'Why is it {{tone}}?' }
    dataOf(
      await server.admin('POST /admin/prompts', {
        body: kpiTopic('looked_at', { allowed_parameters, prompts }),
      }),
    )
    dataOf(await server.admin('POST /admin/prompts', { body: kpiTopic('empty') }))
    const content = TEXT.replace('Name', 'First name')
    dataOf(await server.admin('PUT /admin/prompts/looked_at/system', { body: { content, note: 'Clearer' } }))
  })

  it.each(VIEWS)(
    '%s: no fault that axe finds in light and dark colours, and a width of 320 px is enough',
    async (_, place, shown) => {
      const page = await visit(place, { refused: [404] })
      await page.locator('main').getByRole(shown).first().waitFor()
      expect(await faultsInBothSchemes(page)).toEqual([])
      // Also 1280 px at a zoom of 400 %.
      await page.setViewportSize({ width: 320, height: 640 })
      const overflow = await page.evaluate(() => {
        const widths = [...document.querySelectorAll('body, main')].map((element) => element.scrollWidth)
        return Math.max(...widths) - innerWidth
      })
      expect(overflow).toBe(0)
    },
  )

  it('suggestions, problems, drafts and dialogs: no fault that axe finds', async () => {
    const page = await visit('topics/looked_at/prompts/system')
    await page.getByRole('textbox', { name: 'Text of the system prompt' }).click()
    await page.keyboard.type('{{nobody}} {{')
    await page.getByRole('listbox').waitFor()
    expect(await faultsInBothSchemes(page)).toEqual([])
    await page.reload()
    await page.getByText('This is your draft').waitFor()
    await page.getByRole('button', { name: 'Show difference' }).click()
    await page.getByRole('dialog').getByRole('textbox').first().waitFor()
    expect(await faultsInBothSchemes(page)).toEqual([])
    await page.keyboard.press('Escape')
    const content = TEXT.replace('Revenue', 'Turnover')
    dataOf(await server.admin('PUT /admin/prompts/looked_at/system', { body: { content } }))
    await page.getByRole('button', { name: 'Merge' }).click()
    await page.getByRole('dialog', { name: 'Merge two edits' }).waitFor()
    expect(await faultsInBothSchemes(page)).toEqual([])
  })

  it('the way to sign in: no fault that axe finds', async () => {
    const page = await visit('', { isStranger: true, refused: [401] })
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await faultsInBothSchemes(page)).toEqual([])
  })

  it('gives the focus back when a dialog closes', async () => {
    const page = await visit()
    const button = page.getByRole('button', { name: 'New topic' })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    expect(await faultsInBothSchemes(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
    expect(await button.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe('solid')
  })
})
