import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SkillsClient } from '@modelcontextprotocol/client/ext/skills'
import { describe, expect, test } from 'vitest'
import { connect } from '../../helpers/clients.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { targetOf } from '../../helpers/matrix.ts'
import { waitFor } from '../../helpers/program.ts'
import { topicContent } from '../../helpers/topics.ts'

const SEEDS = ['alignment-analysis', 'core-values', 'goals', 'purpose', 'revenue-salesforce', 'vision']

describe.each(['stdio', 'HTTP'] as const)('the SDK’s SkillsClient over %s', (transport) => {
  test('lists and verifies every topic, and sees an edit as a new digest', async () => {
    const folder = await tempFolder()
    const client = await connect(await targetOf(transport, folder), '2026-07-28')
    const skills = new SkillsClient(client)
    expect(skills.supported).toBe(true)
    const { skills: listed } = await skills.list()
    expect(listed.map(({ frontmatter }) => frontmatter.name).sort()).toEqual(SEEDS)
    for (const skill of listed) {
      const file = await skills.read(skill)
      expect(file).toMatchObject({ verified: true, mimeType: 'text/markdown' })
      expect((await skills.get(skill.uri)).skill).toEqual(skill)
    }
    const uri = 'skill://goals/SKILL.md'
    const before = (await skills.get(uri)).skill
    expect((await skills.get('SKILL://goals/SKILL.md')).skill).toEqual(before)
    for (const other of ['SKILL://goals/SKILL.md', 'skill://g%6Fals/SKILL.md', `${uri}/`]) {
      expect((await client.readResource({ uri: other })).contents).toMatchObject([{ uri: other }])
    }
    const { text = '' } = await skills.read(before)
    expect(text).toContain('- `user_name`: ')
    expect(text).toContain('`render_prompts` with `{"topic_id": "goals"')
    expect(text).toContain('{{user_name}}')

    await appendFile(join(folder, 'prompts/goals/user.md'), 'One more line.\n')
    await waitFor(async () => JSON.stringify((await skills.get(uri)).skill) !== JSON.stringify(before))
    const edited = (await skills.get(uri)).skill
    expect(edited.resources).not.toEqual(before.resources)
    const { text: after = '' } = await skills.read(edited, undefined, { cacheMode: 'refresh' })
    expect(after).toContain('One more line.')
  })

  test('topics without a description or a valid name, and inactive ones, are no skills', async () => {
    const folder = await tempFolder()
    const client = await connect(await targetOf(transport, folder), '2026-07-28')
    const skills = new SkillsClient(client)
    const described = (id: string, more: object = {}) => {
      const { definition, texts } = topicContent(id, { user: 'Hello.' })
      return writeTopic(folder, { definition: { ...definition, description: 'x "y"\nz', ...more }, texts })
    }
    await described('good_one')
    await described('long', { description: '😀'.repeat(1_000) + 'x'.repeat(1_000 - 1) })
    await described('two__underscores')
    await described('_first')
    await described('inactive', { is_active: false })
    await writeTopic(folder, topicContent('undescribed', { user: 'Hello.' }))
    await waitFor(async () => (await skills.list()).skills.length === SEEDS.length + 2)
    const { skills: listed } = await skills.list()
    const names = listed.map(({ frontmatter }) => frontmatter.name)
    expect(names).toEqual(expect.arrayContaining(['good-one', 'long']))
    for (const skill of listed) expect((await skills.read(skill)).verified).toBe(true)
    for (const name of ['two--underscores', '-first', 'inactive', 'undescribed', 'nobody']) {
      await expect(skills.get(`skill://${name}/SKILL.md`)).rejects.toThrow()
    }
  })
})

test('clients of 2025 are not told of skills', async () => {
  const client = await connect(await targetOf('stdio', await tempFolder()), 'legacy')
  expect(client.getServerCapabilities()).not.toHaveProperty('extensions')
})
