import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fileKeys } from '../../../src/adapters/files/api-keys.ts'
import { localSecret } from '../../../src/adapters/files/signing-secret.ts'
import { systemClock } from '../../../src/util/time.ts'
import { infoOf, topicOf } from '../../contracts/store.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { PACKAGE_ROOT } from '../../helpers/program.ts'
import { openServices, putBodies } from '../../helpers/services.ts'
import { treeOf } from '../../helpers/trees.ts'

const FIXTURE = join(PACKAGE_ROOT, 'test/fixtures/data-folder-0.1')
/** What `keys create` of that version printed for the key that is still in use, and for the revoked one. */
const KEY = 'ppath_svc_dev_65372340ea8ac16f283da88846da9420fb44b9a38903c1b9'
const REVOKED_KEY = 'ppath_svc_dev_33f63685ea7b5c415e02a31d9494d3f9c9bd64fa5c56bee2'

/** A store on a copy of the folder that version 0.1.0 left. */
async function openCopy() {
  const folder = join(await tempFolder(), 'store')
  await cp(FIXTURE, folder, { recursive: true })
  return { folder, ...openFiles(folder) }
}

it('every topic of a folder of version 0.1.0 is served as it was, and reading changes no file', async () => {
  const { folder, ...store } = await openCopy()
  const before = await treeOf(folder)
  const { catalog } = await openServices(store)
  expect(catalog.invalid().size).toBe(0)
  expect(catalog.list().map(({ topic_id, revision, is_active }) => [topic_id, revision, is_active])).toEqual([
    ['vision', 1, true],
    ['greeting', 6, true],
    ['by_hand', 2, true],
    ['empty', 1, false],
    ['farewell', 3, false],
  ])
  const greeting = catalog.published('greeting')
  const state = JSON.parse(await readFile(join(FIXTURE, '.purposepath/state/greeting.json'), 'utf8'))
  expect(greeting).toEqual(state.topic)
  expect(await catalog.texts(greeting)).toEqual({
    system: 'Be {{mood}}.',
    user: 'Hello again, {{name}}: {{#items}}{{.}}, {{/items}}{{mood}}',
  })
  expect(await catalog.texts(catalog.published('by_hand'))).toEqual({ user: 'Written by a person.\n' })
  expect(catalog.topic('farewell').deleted_at).toBe('2026-11-28T02:37:09.955Z')
  expect(await treeOf(folder)).toEqual(before)
})

it('its history is there: edits, a prompt that is gone, a deleted topic', async () => {
  const { prompts } = await openCopy()
  const textsOf = async (topic_id: string, prompt_type: string) => {
    const versions = await prompts.history(topic_id, prompt_type)
    return Promise.all(
      versions.map(async ({ version_id, revision, updated_by }) => [
        revision,
        updated_by,
        (await prompts.readVersion(topic_id, prompt_type, version_id)).content,
      ]),
    )
  }
  expect(await textsOf('greeting', 'user')).toEqual([
    [3, 'root', 'Hello again, {{name}}: {{#items}}{{.}}, {{/items}}{{mood}}'],
    [2, 'root', 'Grüße 😀 {{name}}:\r\n{{#items}}- {{.}}\n{{/items}}\\{{literal}}'],
    [1, 'root', 'Hello, {{name}}!'],
  ])
  expect(await textsOf('greeting', 'assistant')).toEqual([[1, 'root', 'Only for a while.']])
  expect(await textsOf('farewell', 'user')).toEqual([
    [2, 'root', 'Good bye.'],
    [1, 'root', 'Bye.'],
  ])
  expect(await textsOf('by_hand', 'user')).toEqual([
    [2, 'file', 'Written by a person.\n'],
    [1, 'root', 'Written by the program.'],
  ])
})

it('an edit goes on with the next revisions', async () => {
  const store = await openCopy()
  const services = await openServices(store)
  await putBodies(services, 'greeting', { user: 'Hi, {{name}}.', assistant: 'Back.' }, 'ada')
  const edited = await topicOf(store.topics, 'greeting')
  expect(edited).toMatchObject({ revision: 7, created_by: 'root', updated_by: 'ada' })
  expect(edited.prompts.map(({ prompt_type, revision }) => [prompt_type, revision])).toEqual([
    ['system', 1],
    ['user', 4],
    ['assistant', 2],
  ])
  expect(await store.prompts.read('greeting', infoOf(edited, 'user'))).toBe('Hi, {{name}}.')
  expect(await readFile(store.layout.body('greeting', 'assistant'), 'utf8')).toBe('Back.')
})

it('its keys and its secret for tokens go on being valid', async () => {
  const { layout } = await openCopy()
  const keys = fileKeys(layout, 'dev', systemClock)
  expect(await keys.verify(KEY)).toMatchObject({ id: 'a1616ed0', name: 'backend' })
  expect(await keys.verify(REVOKED_KEY)).toBeUndefined()
  const secret = await localSecret(layout, 'dev').obtain()
  expect(Buffer.from(secret).toString()).toBe(
    (await readFile(join(FIXTURE, '.purposepath/jwt-secret-dev'), 'utf8')).trim(),
  )
})
