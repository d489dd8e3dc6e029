import type { Page } from 'playwright-core'

/** What a first-time user writes. */
export const SYSTEM = `# Churn analyst

You advise the head of customer success.

Name the rate of {{churn_rate}} % first. Then say which causes deserve a check.

Close with three recommendations.`
const USER = 'Churn was {{churn_rate}} % this quarter. Why, and what comes first?'

const ENDING = 'Close with three recommendations.'
export const OWN_ENDING = 'Close with two recommendations, each with an owner.'
/** Another sentence of the same text, and the same one. */
export const COLLEAGUES_ENDING = 'Close with three recommendations, each with a date.'
export const COLLEAGUES_START = 'Begin with the rate of {{churn_rate}} %.'
const COLLEAGUES_TEXT = SYSTEM.replace('Name the rate of {{churn_rate}} % first.', COLLEAGUES_START).replace(
  ENDING,
  COLLEAGUES_ENDING,
)

/** Who walks, and who else is at work. */
interface Walker {
  page: Page
  /** Another administrator publishes a text of the system prompt. */
  colleagueSaves(content: string): Promise<unknown>
}

interface Step {
  name: string
  /** What the page shows afterwards, if it is worth a picture. */
  picture?: string
  act(walker: Walker): Promise<void>
}

const editor = (page: Page, type: string) => page.getByRole('textbox', { name: `Text of the ${type} prompt` })
const button = (page: Page, name: string) => page.getByRole('button', { name })
const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor()

/**
 * The first five minutes of a user: by mouse and keyboard, by what is written on the page. Begins at the list of topics.
 */
export const WALK: readonly Step[] = [
  {
    name: 'sees the topics that there are',
    picture: 'topics',
    act: async ({ page }) => {
      await page.getByText('6 topics').waitFor()
    },
  },
  {
    name: 'creates a KPI topic',
    act: async ({ page }) => {
      await button(page, 'New topic').click()
      await page.getByRole('dialog').waitFor()
      await page.keyboard.type('Customer churn')
      await page.getByText('This id is free.').waitFor()
      await button(page, 'Create topic').click()
    },
  },
  {
    name: 'writes the system prompt, with a variable that is not declared',
    picture: 'problem',
    act: async ({ page }) => {
      await button(page, 'Write the system prompt').click()
      await editor(page, 'system').click()
      await page.keyboard.type(SYSTEM)
      await page.getByText('1 problem').waitFor()
    },
  },
  {
    name: 'declares it with one click, gives it a sample value and saves',
    act: async ({ page }) => {
      await button(page, 'Declare “churn_rate”').click()
      await page.getByText('No problems').waitFor()
      await page.getByRole('textbox', { name: 'churn_rate' }).dblclick()
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.type('4.2')
      await page.getByText('Name the rate of 4.2 % first.').waitFor()
      await button(page, 'Save – goes live').click()
      await isLive(page)
    },
  },
  {
    name: 'adds the user prompt, with the variable that is suggested',
    act: async ({ page }) => {
      await button(page, '+ Prompt').click()
      await button(page, 'Write it').click()
      const [before = '', after = ''] = USER.split('{{churn_rate}}')
      await editor(page, 'user').click()
      await page.keyboard.type(`${before}{{`)
      await page.getByRole('option', { name: /churn_rate/ }).click()
      await page.keyboard.type(after)
      await page.getByText('Churn was 4.2 % this quarter.').waitFor()
      await button(page, 'Save – goes live').click()
      await isLive(page)
    },
  },
  {
    name: 'changes a sentence, and runs the draft beside the live text',
    picture: 'run',
    act: async ({ page }) => {
      await page.getByRole('link', { name: 'system' }).click()
      await editor(page, 'system').getByText(ENDING).click()
      await page.keyboard.press('Home')
      await page.keyboard.press('Shift+End')
      await page.keyboard.type(OWN_ENDING)
      await page.getByText('Draft', { exact: true }).waitFor()
      await page.getByRole('link', { name: 'Run' }).click()
      await button(page, 'Run draft and live text').click()
      await page
        .getByText(/tokens in/)
        .nth(1)
        .waitFor()
    },
  },
  {
    name: 'meets the edit of a colleague, who changed the same sentence and another one',
    picture: 'merge',
    act: async ({ page, colleagueSaves }) => {
      await page.getByRole('link', { name: 'system' }).click()
      await page.getByText('This is your draft').waitFor()
      await colleagueSaves(COLLEAGUES_TEXT)
      await button(page, 'Merge').click()
      await page.getByRole('radio', { name: /^Both/ }).click()
    },
  },
  {
    name: 'saves what both wrote',
    act: async ({ page }) => {
      await button(page, 'Save merged text – goes live').click()
      await page.getByText('Saved. Revision 3 is live.').waitFor()
    },
  },
  {
    name: 'looks at what has changed',
    picture: 'history',
    act: async ({ page }) => {
      await page.getByRole('link', { name: 'History' }).click()
      await page.getByText('Revision 2 → 3').waitFor()
      await page.getByText(OWN_ENDING).waitFor()
    },
  },
  {
    name: 'restores the first text',
    act: async ({ page }) => {
      await button(page, 'Revision 1').click()
      await button(page, 'Restore revision 1 – goes live').click()
      await page.getByText('The text of revision 1 is live again, as revision 4.').waitFor()
    },
  },
]
