import { afterAll, expect, it } from 'vitest'
import { api, dataOf, tokenOf } from '../helpers/api.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { describeInBrowser } from './browser.ts'
import { COLLEAGUES_ENDING, COLLEAGUES_START, OWN_ENDING, SYSTEM, WALK } from './walk.ts'

const model = await startOpenAi()
const settings = { PROMPTS_LLM: 'openai', PROMPTS_LLM_BASE_URL: model.baseUrl, PROMPTS_LLM_MODEL: 'stand-in' }

/**
 * What hands need, in seconds: an average typist for a key; for a click the way to the mouse, pointing, pressing, and
 * making up one's mind (Card, Moran and Newell, "The keystroke-level model", 1980).
 */
const SECONDS = { key: 0.28, click: 0.4 + 1.1 + 0.2 + 1.35 }
/** Of five minutes; the rest is for looking. */
const MOST_SECONDS = 200

/** Runs in the page, and counts what a person does to it. */
function countActs(): void {
  const acts = { key: 0, click: 0 }
  Object.assign(globalThis, { acts })
  addEventListener('keydown', () => acts.key++, true)
  addEventListener('pointerdown', () => acts.click++, true)
}

describeInBrowser(
  'a first-time user',
  ({ server, visit }) => {
    afterAll(() => model.stop())

    it('creates a topic, runs it, merges an edit of a colleague and restores a text, in less than five minutes', async () => {
      const page = await visit()
      await page.context().addInitScript(countActs)
      await page.reload()
      const token = await tokenOf(server.settings, 'admin', 'ben@purposepath.ai')
      const colleagueSaves = async (content: string) =>
        dataOf(await api(server, 'PUT /admin/prompts/customer_churn/system', { body: { content }, token }))

      for (const { name, act } of WALK) {
        await act({ page, colleagueSaves }).catch((cause) =>
          expect.fail(`Fails when the user ${name}: ${cause}`),
        )
      }

      const { key, click } = await page.evaluate(
        () => (globalThis as unknown as { acts: typeof SECONDS }).acts,
      )
      expect(click).toBeGreaterThan(15)
      expect(key * SECONDS.key + click * SECONDS.click).toBeLessThan(MOST_SECONDS)
      const text = async (query = '') =>
        dataOf(await server.admin(`GET /admin/prompts/customer_churn/system${query}`))['content']
      expect(await text()).toBe(SYSTEM)
      const versions = dataOf<{ version_id: string }[]>(
        await server.admin('GET /admin/prompts/customer_churn/system/history'),
      )
      const merged = await text(`?version_id=${versions[1]?.version_id}`)
      for (const part of [COLLEAGUES_START, `${OWN_ENDING} ${COLLEAGUES_ENDING}`])
        expect(merged).toContain(part)
      expect(dataOf(await server.service('GET /prompts/customer_churn'))).toMatchObject({
        prompts: { system: SYSTEM, user: expect.stringContaining('{{churn_rate}}') },
      })
    })
  },
  settings,
)
