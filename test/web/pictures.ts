/**
 * Takes the pictures of the admin page that the documents show, into `docs/images/` or the folder that is named: a first
 * walk through the real program with its example topics. Fonts are those of the machine.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { openLayout } from '../../src/adapters/files/layout.ts'
import { fileSignInCodes } from '../../src/adapters/files/sign-in-codes.ts'
import { systemClock } from '../../src/util/time.ts'
import { api, dataOf, tokenOf } from '../helpers/api.ts'
import { launchChromium } from '../helpers/chromium.ts'
import { PACKAGE_ROOT, startServer } from '../helpers/program.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { says } from '../stand-ins/openai-replies.ts'
import { OWN_ENDING, WALK } from './walk.ts'

const DESK = { width: 1200, height: 720 }
const PHONE = { width: 375, height: 720 }
/** Of WebP, in percent: letters stay clear, and a picture stays small. */
const QUALITY = 80

const ANSWERS = {
  draft: {
    severity: 'warning',
    analysis:
      'The churn rate is 4.2 %. One figure shows no cause.\n\nCheck whether small customers leave more often: the report “Cancellations by plan” would show it.',
    recommendations: [
      'Customer success lead: list this quarter’s cancellations by plan.',
      'Head of support: call the five largest customers who left.',
    ],
  },
  live: {
    severity: 'warning',
    analysis:
      'The churn rate is 4.2 %. Prices, onboarding or support may be the cause; no report is at hand.',
    recommendations: ['Look at prices.', 'Improve the onboarding.', 'Ask support for its response times.'],
  },
}

const { positionals } = parseArgs({ allowPositionals: true })
const target = resolve(positionals[0] ?? join(PACKAGE_ROOT, 'docs/images'))
const folder = await mkdtemp(join(tmpdir(), 'purposepath-pictures-'))
const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
try {
  const model = await startOpenAi()
  closing.unshift(model.stop)
  model.always((chat) => {
    const isDraft = JSON.stringify(chat.body).includes(OWN_ENDING)
    return says(JSON.stringify(isDraft ? ANSWERS.draft : ANSWERS.live), {
      usage: { prompt_tokens: isDraft ? 148 : 142, completion_tokens: isDraft ? 71 : 44 },
    })(chat)
  })
  const settings = {
    PROMPTS_DATA_DIR: folder,
    PROMPTS_LLM: 'openai',
    PROMPTS_LLM_BASE_URL: model.baseUrl,
    PROMPTS_LLM_MODEL: 'llama3.3',
  }
  const { url } = await startServer(settings, (stop) => closing.unshift(stop))
  const browser = await launchChromium()
  closing.unshift(() => browser.close())
  const page = await browser.newPage({ viewport: DESK, deviceScaleFactor: 2, reducedMotion: 'reduce' })
  const code = await fileSignInCodes(openLayout(folder), systemClock).issue('ada@purposepath.ai')
  await page.goto(`${url}/admin/sign-in?code=${code}`)

  await page.setViewportSize(PHONE)
  await showEditor(page, url)
  await picture(page, 'phone')
  await page.setViewportSize(DESK)
  await showEditor(page, url)
  await picture(page, 'editor')
  await page.goto(`${url}/admin/`)

  const token = await tokenOf(settings, 'admin', 'ben@purposepath.ai')
  const colleagueSaves = async (content: string) =>
    dataOf(await api({ url }, 'PUT /admin/prompts/customer_churn/system', { body: { content }, token }))
  for (const step of WALK) {
    await step.act({ page, colleagueSaves })
    if (step.picture) await picture(page, step.picture)
  }
} finally {
  for (const close of closing) await close()
}

/** An example prompt, with sample values that make sense. */
async function showEditor(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/admin/topics/revenue_salesforce/prompts/user`)
  await page.getByRole('spinbutton', { name: 'kpi_value' }).fill('95000')
  await page.getByRole('spinbutton', { name: 'threshold' }).fill('100000')
  await page.getByRole('textbox', { name: 'time_period' }).fill('Q4 2025')
  await page.getByText('Period: Q4 2025').waitFor()
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    document.querySelector('main')?.scrollTo(0, 0)
  })
}

/** In light and dark colours, without what was said of earlier steps. */
async function picture(page: Page, name: string): Promise<void> {
  const toasts = page.getByRole('status').getByRole('button', { name: 'Close' })
  while (await toasts.count()) await toasts.first().click()
  const browser = await page.context().newCDPSession(page)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY })
    await writeFile(join(target, `${name}-${colorScheme}.webp`), data, 'base64')
  }
  await browser.detach()
}
