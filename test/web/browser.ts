import { existsSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect } from 'vitest'
import { type ApiServer, sharedApi } from '../helpers/api.ts'
import { CHROMIUM, launchChromium, signInLink } from '../helpers/chromium.ts'
import { missing } from '../helpers/missing.ts'

const MISSING = 'needs a browser: apt-get install chromium-headless-shell, or set CHROMIUM to the path of one'
/** How long anything may take to appear: generous, because tests share their processor. */
const PATIENCE_MS = 10_000
/** Chromium starts a new process for each navigation otherwise, which takes longer than to load the page. */
const FEW_PROCESSES = ['--renderer-process-limit=1', '--disable-site-isolation-trials', '--in-process-gpu']
/** Playwright's own. */
const VIEWPORT = { width: 1280, height: 720 }

interface VisitOptions extends BrowserContextOptions {
  /** Status codes of requests that are refused on purpose; 0 for no answer. Chromium reports each as an error. */
  refused?: readonly number[]
  /** Opens the page without signing in. */
  isStranger?: boolean
}

export interface AdminSite {
  server: ApiServer
  /**
   * Opens a place of the admin page, signed in, in a browser that knows nothing of earlier tests. Each further visit of a
   * test is in another browser.
   */
  visit(place?: string, options?: VisitOptions): Promise<Page>
  /** Signs the browser of a page in, as a person does: with a link in another tab. */
  signIn(context: BrowserContext): Promise<unknown>
}

/** A group of tests with the running program and a browser. */
export function describeInBrowser(name: string, tests: (site: AdminSite) => void, settings = {}): void {
  describeWithBrowser(name, (browser) => {
    const server = sharedApi(settings)
    const usual = usualTab(browser, () => server.url)
    let cookies: Awaited<ReturnType<BrowserContext['cookies']>> | undefined

    const signIn = async (context: BrowserContext) => {
      const tab = await context.newPage()
      // The answer has the cookie; to show the page would take most of the time.
      await tab.goto(await signInLink(server.url, server.settings), { waitUntil: 'commit' })
      await tab.close()
      return await context.cookies()
    }
    const visit: AdminSite['visit'] = async (place = '', { refused = [], isStranger, ...options } = {}) => {
      const isUsual = !isStranger && Object.keys(options).length === 0
      const page = (isUsual && (await usual.take())) || (await browser.open(options))
      const context = page.context()
      browser.allow(context, refused)
      // One link is enough: it is the same person.
      if (!isStranger && cookies) await context.addCookies(cookies)
      if (!isStranger) cookies ??= await signIn(context)
      await page.goto(`${server.settings['PROMPTS_PUBLIC_URL'] ?? server.url}/admin/${place}`)
      return page
    }
    tests({ server, visit, signIn })
  })
}

/**
 * A group of tests with a browser. A test fails when a page broke its content security policy, reported an error or threw
 * one. Without a browser the tests are skipped; in CI they fail.
 */
export function describeWithBrowser(name: string, tests: (browser: WatchedBrowser) => void): void {
  if (existsSync(CHROMIUM)) describe(name, () => tests(watchedBrowser()))
  else missing(name, MISSING)
}

export interface WatchedBrowser {
  /** A tab in a profile of its own, which is closed after the test unless it is kept. */
  open(options?: BrowserContextOptions, isKept?: boolean): Promise<Page>
  /** Lets requests of a profile be refused with these codes in this test. */
  allow(context: BrowserContext, refused: readonly number[]): void
}

/** One for all tests of a group. */
function watchedBrowser(): WatchedBrowser {
  const allowed = new Map<BrowserContext, readonly number[]>()
  const toClose: BrowserContext[] = []
  let faults: string[] = []
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium(FEW_PROCESSES)
    return () => browser.close()
  })
  afterEach(async () => {
    await Promise.all(toClose.splice(0).map((context) => context.close()))
    const found = faults
    faults = []
    allowed.clear()
    expect(found).toEqual([])
  })
  return {
    async open(options, isKept = false) {
      const context = await browser.newContext({ locale: 'en', ...options })
      if (!isKept) toClose.push(context)
      context.setDefaultTimeout(PATIENCE_MS)
      await context.exposeFunction('reportViolation', (text: string) => faults.push(text))
      await context.addInitScript(reportViolations)
      context.on('weberror', (error) => faults.push(String(error.error().stack)))
      context.on('console', (message) => {
        if (message.type() !== 'error' || isRefusal(message.text(), allowed.get(context) ?? [])) return
        faults.push(`${message.text()} ${message.location().url}`)
      })
      return context.newPage()
    },
    allow: (context, refused) => void allowed.set(context, refused),
  }
}

/**
 * One tab for most tests: a new one has to load and to compile the page anew, which takes longer than a test. After each
 * test it is as new: empty, and without what the page has kept.
 */
function usualTab(browser: WatchedBrowser, url: () => string) {
  let tab: Page | undefined
  let isTaken = false
  afterEach(async () => {
    isTaken = false
    if (!tab) return
    const others = tab
      .context()
      .pages()
      .filter((page) => page !== tab)
    await Promise.all(others.map((page) => page.close()))
    if (tab.isClosed()) tab = await tab.context().newPage()
    await tab.unrouteAll()
    if (tab.url().startsWith(url())) await tab.evaluate(() => sessionStorage.clear())
    await tab.goto('about:blank')
    await tab.emulateMedia({ colorScheme: null, reducedMotion: null })
    await tab.setViewportSize(VIEWPORT)
    const devTools = await tab.context().newCDPSession(tab)
    const storageTypes = 'indexeddb,local_storage'
    await devTools.send('Storage.clearDataForOrigin', { origin: url(), storageTypes })
    await devTools.detach()
  })
  return {
    /** The tab, once in a test. */
    async take(): Promise<Page | undefined> {
      if (isTaken) return undefined
      isTaken = true
      tab ??= await browser.open({}, true)
      return tab
    },
  }
}

/** Runs in the page. */
function reportViolations(): void {
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
    const { reportViolation } = globalThis as unknown as { reportViolation(text: string): void }
    reportViolation(`${violatedDirective} forbids ${blockedURI} in ${sourceFile}`)
  })
}

function isRefusal(text: string, refused: readonly number[]): boolean {
  const [, status] = /^Failed to load resource: .*(?:status of (\d+)|net::ERR_)/.exec(text) ?? []
  return /^Failed to load resource/.test(text) && refused.includes(Number(status ?? 0))
}
