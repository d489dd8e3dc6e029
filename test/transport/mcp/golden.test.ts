import { expect, test } from 'vitest'
import { connect } from '../../helpers/clients.ts'
import { tempFolder } from '../../helpers/folders.ts'

// A difference is a change that every client sees: look at it, then accept it with `npx vitest -u`.

test('administrators are offered the tools of test/golden/tools.json', async () => {
  const client = await connect({ settings: { PROMPTS_DATA_DIR: await tempFolder() } }, 'legacy')
  const { tools } = await client.listTools()
  expect(tools.length).toBeGreaterThan(0)
  await expect(asFile(tools)).toMatchFileSnapshot('../../golden/tools.json')
})

test('the seeds are listed as the prompts of test/golden/prompts.json', async () => {
  const client = await connect({ settings: { PROMPTS_DATA_DIR: await tempFolder() } }, 'legacy')
  const { prompts } = await client.listPrompts()
  expect(prompts).toHaveLength(6)
  await expect(asFile(prompts)).toMatchFileSnapshot('../../golden/prompts.json')
})

function asFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
