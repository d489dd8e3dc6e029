import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { afterEach, beforeAll, describe, expect } from 'vitest'
import { type ApiServer, sharedApi } from '../helpers/api.ts'
import { missing } from '../helpers/missing.ts'
import { runProgram } from '../helpers/program.ts'

/** Debian's; other systems say where theirs is. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const MISSING = 'needs a browser: apt-get install chromium, or set CHROMIUM to the path of one'
/** How long anything may take to appear: generous, because tests share their processor. */
const PATIENCE_MS = 10_000

interface VisitOptions extends BrowserContextOptions {
  /** Status codes of requests that are refused on purpose; 0 for no answer. Chromium reports each as an error. */
  refused?: readonly number[]
  /** Opens the page without signing in. */
  isStranger?: boolean
}

export interface AdminSite {
  server: ApiServer
  /** Opens a place of the admin page in a browser profile of its own, signed in; closed after the test. */
  visit(place?: string, options?: VisitOptions): Promise<Page>
  /** Signs the profile of a page in, as a person does: with a link in another tab. */
  signIn(context: BrowserContext): Promise<unknown>
}

/**
 * A group of tests with the running program and a browser. A test fails when a page broke its content security policy,
 * reported an error or threw one. Without a browser the tests are skipped; in CI they fail.
 */
export function describeInBrowser(name: string, tests: (site: AdminSite) => void, settings = {}): void {
  if (!existsSync(CHROMIUM)) {
    missing(name, MISSING)
    return
  }
  describe(name, () => {
    const server = sharedApi(settings)
    const contexts: BrowserContext[] = []
    let faults: string[] = []
    let browser: Browser
    let cookies: Awaited<ReturnType<BrowserContext['cookies']>> | undefined

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
      return () => browser.close()
    })
    afterEach(async () => {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
      const found = faults
      faults = []
      expect(found).toEqual([])
    })

    const signIn = async (context: BrowserContext) => {
      const tab = await context.newPage()
      await tab.goto(await newLink(server))
      await tab.close()
      return await context.cookies()
    }
    const visit: AdminSite['visit'] = async (place = '', { refused = [], isStranger, ...options } = {}) => {
      const context = await browser.newContext({ locale: 'en', ...options })
      contexts.push(context)
      context.setDefaultTimeout(PATIENCE_MS)
      await context.exposeFunction('reportViolation', (text: string) => faults.push(text))
      await context.addInitScript(reportViolations)
      context.on('weberror', (error) => faults.push(String(error.error().stack)))
      context.on('console', (message) => {
        if (message.type() !== 'error' || isRefusal(message.text(), refused)) return
        faults.push(`${message.text()} ${message.location().url}`)
      })
      // One link is enough: it is the same person.
      if (!isStranger && cookies) await context.addCookies(cookies)
      if (!isStranger) cookies ??= await signIn(context)
      const page = await context.newPage()
      await page.goto(`${server.settings['PROMPTS_PUBLIC_URL'] ?? server.url}/admin/${place}`)
      return page
    }
    tests({ server, visit, signIn })
  })
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

async function newLink({ url, settings }: ApiServer): Promise<string> {
  const { stdout } = await runProgram(['login', '--port', new URL(url).port], settings)
  return stdout.trim()
}
