import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkTopic } from '../../../src/domain/topic.ts'
import { newTopic, storeContract, topicOf } from '../../contracts/store.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { topicContent, topicRecord } from '../../helpers/topics.ts'

describe('the files store', () => {
  storeContract(async () => openFiles(await tempFolder()))

  it('shows topics as files that people can read, and nothing of its own beside them', async () => {
    const folder = await tempFolder()
    const { topics } = openFiles(folder)
    const bodies = { system: 'Be kind.\r\n', user: 'Hello' }
    await topics.save(newTopic('t', bodies), bodies)
    expect((await readdir(folder)).sort()).toEqual(['.purposepath', 'prompts', 'topics'])
    expect(await readdir(join(folder, 'topics'))).toEqual(['t.json'])
    expect((await readdir(join(folder, 'prompts', 't'))).sort()).toEqual(['system.md', 'user.md'])
    expect(await readFile(join(folder, 'prompts', 't', 'system.md'), 'utf8')).toBe('Be kind.\r\n')
    const written = await readFile(join(folder, 'topics', 't.json'), 'utf8')
    expect(written).toBe(`${JSON.stringify(topicContent('t').definition, null, 2)}\n`)
    expect(await readFile(join(folder, '.purposepath', '.gitignore'), 'utf8')).toBe('*\n')
    expect(await readdir(join(folder, '.purposepath', 'tmp'))).toEqual([])
  })

  it('reads back whatever a save accepts, however large its file is with indentation', async () => {
    const { topics } = openFiles(await tempFolder())
    const content = topicContent('t')
    let nested: unknown = Array(60_000).fill(1)
    for (let depth = 0; depth < 10; depth++) nested = [nested]
    content.definition.config = { nested }
    expect(checkTopic(content.definition, {}).errors).toEqual([])
    await topics.save(topicRecord(content), {})
    expect((await topicOf(topics, 't')).config).toEqual({ nested })
  })

  it('removes the files of a deleted topic, but not what a person left beside them', async () => {
    const folder = await tempFolder()
    const { topics } = openFiles(folder)
    const saved = await topics.save(newTopic('t', { user: 'x' }), { user: 'x' })
    await topics.save({ ...saved, is_active: false, deleted_at: new Date().toISOString() }, {})
    expect(await readdir(join(folder, 'topics'))).toEqual([])
    expect(await readdir(join(folder, 'prompts'))).toEqual([])
  })
})
