import { OAuth2Server } from 'oauth2-mock-server'
import { beforeAll, expect, it } from 'vitest'
import { sharedServer } from '../helpers/shared.ts'
import { describeWithBrowser } from './browser.ts'

const CLIENT = 'prompts-page'
const issuer = new OAuth2Server()
await issuer.issuer.keys.generate('RS256')
await issuer.start(0, '127.0.0.1')
const url = `http://127.0.0.1:${issuer.address().port}`
issuer.issuer.url = url
issuer.service.on('beforeTokenSigning', ({ payload }: { payload: Record<string, unknown> }) => {
  if (payload['aud'] === CLIENT) Object.assign(payload, { role: 'admin', email: 'ada@example.com' })
})

describeWithBrowser('where an issuer is set up', (browser) => {
  beforeAll(() => () => issuer.stop())
  const server = sharedServer(() => ({
    PROMPTS_JWT_JWKS_URL: `${url}/jwks`,
    PROMPTS_JWT_ISSUER: url,
    PROMPTS_JWT_AUDIENCE: 'prompts-api',
    PROMPTS_OIDC_CLIENT_ID: CLIENT,
  }))

  it('a stranger signs in there, and can do so again when the session has ended', async () => {
    const page = await browser.open()
    browser.allow(page.context(), [401])
    await page.goto(`${server.url}/admin/`)
    const link = page.getByRole('link', { name: 'Sign in with your account' })
    await link.waitFor()
    const sections = page.getByRole('navigation', { name: 'Sections' })
    expect(await sections.count()).toBe(0)
    await link.click()
    await page.getByText('6 topics').waitFor()
    expect(await sections.count()).toBe(1)
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByText('ada@example.com').waitFor()

    await page.context().clearCookies()
    await page.goto(`${server.url}/admin/topics/goals/details`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await link.click()
    await page.getByText('6 topics').waitFor()
    await page.context().clearCookies()
    await page.getByRole('link', { name: 'Goals' }).click()
    await page.getByText('Your session has ended.').waitFor()
    // What is typed stays: the way to the issuer is another tab.
    expect(await link.getAttribute('target')).toBe('_blank')
    const [tab] = await Promise.all([page.waitForEvent('popup'), link.click()])
    await tab.getByText('6 topics').waitFor()
    await tab.close()
    await page.getByRole('button', { name: 'I have signed in' }).click()
    await page.getByText('Your session has ended.').waitFor({ state: 'hidden' })
  })
})
