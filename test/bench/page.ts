import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchChromium, signInLink } from '../helpers/chromium.ts'
import { median, print } from './figures.ts'
import { fire, restShot, tokenHeader } from './load.ts'
import type { Product, Starter } from './processes.ts'

const RUNS = 5
const TOPICS = 10_000
/** How much slower than this machine a user's may be. */
const SLOWDOWN = 4
/** The largest text that a prompt may have is 50 KB. */
const TEXT = 'Name {{user_name}} first, and say why it matters.\n'.repeat(1_000)
const TYPED = 'What is typed in the middle of a large text shows at once. '.repeat(2)
const SCROLLS = 40
/** After which a page has done what it does after it is shown. */
const SETTLED_MS = 3_000
const NOTES = fileURLToPath(new URL('./page-notes.js', import.meta.url))

/** How the admin page feels: in a real browser, on this machine, so that these figures are no ratios. */
export async function printPage({ startProduct }: Pick<Starter, 'startProduct'>): Promise<void> {
  const product = await startProduct(TOPICS)
  const browser = await launchChromium()
  try {
    const cookies = await signedIn(browser, product)
    const visitor = async () => {
      const context = await browser.newContext()
      await context.addCookies(cookies)
      await context.addInitScript({ path: NOTES })
      return context.newPage()
    }
    print(`admin page, ${TOPICS.toLocaleString('en')} topics, median of ${RUNS}`)
    const loads = await measured(visitor, (page) => loadMs(page, product))
    print(`  first load until the list is there, CPU ÷ ${SLOWDOWN}  ${ms(loads)}   (must < 1,000 ms)`)
    await putLargeText(product)
    const typing = await measured(visitor, (page) => typingMs(page, product))
    print(`  longest task while typing in 50 KB, CPU        ${ms(typing)}   (must ≤ 50 ms)`)
    const scrolls = await measured(visitor, (page) => scrollingMs(page, product))
    print(
      `  longest task of the first scroll, CPU          ${ms(scrolls.map(({ task }) => task))}   (must ≤ 32 ms)`,
    )
    print(
      `  longest frame of the first scroll              ${ms(scrolls.map(({ frame }) => frame))}   (must ≤ 32 ms)`,
    )
    print(
      `  load of the machine ${loadavg()[0]?.toFixed(1)}: times that are not CPU count on a quiet one only`,
    )
  } finally {
    await browser.close()
  }
}

const ms = (values: readonly number[]) => `${median(values).toFixed(0).padStart(4)} ms`

async function signedIn(browser: Browser, { subject, settings }: Product) {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(await signInLink(subject.url, settings))
  const cookies: Awaited<ReturnType<BrowserContext['cookies']>> = await context.cookies()
  await context.close()
  return cookies
}

/** Each time in a browser that has never seen the page. */
async function measured<T>(visitor: () => Promise<Page>, measure: (page: Page) => Promise<T>): Promise<T[]> {
  const values: T[] = []
  while (values.length < RUNS) {
    const page = await visitor()
    values.push(await measure(page))
    await page.context().close()
  }
  return values
}

/** What a page has noted, in milliseconds, since it was asked last. */
interface Notes {
  /** Since the navigation. */
  firstRowAt?: number
  frames: number[]
}

const takeNotes = (page: Page) => page.evaluate<Notes>('takeNotes()')

async function loadMs(page: Page, { subject }: Product): Promise<number> {
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN })
  // The page says it: to look for the row, the driver of the browser would run more code in the page than the page has.
  const firstRow = page.waitForEvent('console', (message) => message.text() === 'first row')
  await page.goto(`${subject.url}/admin/`, { waitUntil: 'commit' })
  await firstRow
  return (await takeNotes(page)).firstRowAt ?? Number.NaN
}

async function putLargeText({ subject, token }: Product): Promise<void> {
  const path = `${subject.url}/api/v1/admin/prompts/topic_1/user`
  await fire([restShot('PUT', path, tokenHeader(token), '"data"', { content: TEXT })], 1, 1)
}

async function typingMs(page: Page, { subject }: Product): Promise<number> {
  await page.goto(`${subject.url}/admin/topics/topic_1/prompts/user`)
  await page.getByRole('textbox', { name: 'Text of the user prompt' }).click()
  await page.waitForTimeout(SETTLED_MS)
  return longestTaskMs(page, () => page.keyboard.type(TYPED, { delay: 40 }))
}

async function scrollingMs(page: Page, { subject }: Product): Promise<{ task: number; frame: number }> {
  await page.goto(`${subject.url}/admin/`)
  await page.getByText(`${TOPICS} topics`).waitFor()
  await page.getByRole('grid').hover()
  await page.waitForTimeout(SETTLED_MS)
  await takeNotes(page)
  const task = await longestTaskMs(page, async () => {
    for (let at = 0; at < SCROLLS; at++) {
      await page.mouse.wheel(0, 600)
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
  })
  return { task, frame: Math.max(...(await takeNotes(page)).frames) }
}

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  /** CPU of the thread, in microseconds. */
  tdur?: number
  args: { name?: string }
}

/** The longest that the page's own thread has worked without a break, in milliseconds of CPU. */
async function longestTaskMs(page: Page, work: () => Promise<void>): Promise<number> {
  const browser = page.context().browser() as Browser
  await browser.startTracing(page, { categories: ['toplevel'] })
  await work()
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid}.${tid}`
  const isOfPage = ({ name, args }: TraceEvent) => name === 'thread_name' && args.name === 'CrRendererMain'
  const threads = new Set(traceEvents.filter(isOfPage).map(threadOf))
  const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && threads.has(threadOf(event)))
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000
}
