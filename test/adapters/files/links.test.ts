import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { replaceFile } from '../../../src/adapters/files/durable.ts'
import { topicOf } from '../../contracts/store.ts'
import { writeTopic } from '../../helpers/data-folder.ts'
import { failureOf } from '../../helpers/errors.ts'
import { FRESHNESS_MS, openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { waitFor } from '../../helpers/program.ts'
import { openServices, putBodies } from '../../helpers/services.ts'
import { folderWith } from '../../helpers/source-folder.ts'
import { topicContent } from '../../helpers/topics.ts'

const USER = 'prompts/t/user.md'
/** How soon a change must be served; some leave for a busy machine. */
const PROMPTLY_MS = FRESHNESS_MS + 300

/**
 * A folder with topic `t`, of which the path in `linked` leads to a folder beside it, and services on it.
 *
 * @param linked below the data folder, for example `prompts/t/user.md`.
 */
async function setUp(linked: string) {
  const folder = await folderWith(topicContent('t', { user: 'old' }))
  const elsewhere = await tempFolder()
  const target = join(elsewhere, 'target')
  await rename(join(folder, linked), target)
  await symlink(target, join(folder, linked))
  const services = await openServices(openFiles(folder))
  const text = async () => (await services.catalog.texts(services.catalog.published('t')))['user']
  return { folder, elsewhere, target, services, text, link: join(folder, linked) }
}

describe('an edit over the API is written through a link', () => {
  it.each(['prompts/t/user.md', 'prompts/t', 'prompts'])('at %s', async (linked) => {
    const { folder, elsewhere, target, link, services } = await setUp(linked)
    await putBodies(services, 't', { user: 'new' })
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    const rest = USER.slice(linked.length)
    expect(readFileSync(target + rest, 'utf8')).toBe('new')
    expect(readFileSync(join(folder, USER), 'utf8')).toBe('new')
    expect(readdirSync(elsewhere)).toEqual(['target'])
  })

  it.each(['topics/t.json', 'topics'])('of the definition at %s', async (linked) => {
    const { target, link, services } = await setUp(linked)
    const topic = await topicOf(services.topics, 't')
    await services.topics.save({ ...topic, topic_name: 'New name' }, {})
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readFileSync(target + 'topics/t.json'.slice(linked.length), 'utf8')).toContain('New name')
  })

  it('to another link', async () => {
    const { target, folder, services } = await setUp(USER)
    await rename(target, `${target}.md`)
    await symlink('target.md', target)
    await putBodies(services, 't', { user: 'new' })
    expect(readFileSync(`${target}.md`, 'utf8')).toBe('new')
    expect(lstatSync(join(folder, USER)).isSymbolicLink()).toBe(true)
  })

  it.runIf(hasOtherFileSystem())('to another file system', async () => {
    const [folder, other] = [await tempFolder(), await mkdtemp('/dev/shm/purposepath-')]
    onTestFinished(() => rm(other, { recursive: true }))
    await symlink(join(other, 'file'), join(folder, 'link'))
    await writeFile(join(other, 'file'), 'old')
    await replaceFile({ tmp: folder }, join(folder, 'link'), 'new')
    expect([readFileSync(join(other, 'file'), 'utf8'), readdirSync(other)]).toEqual(['new', ['file']])
    expect(readdirSync(folder)).toEqual(['link'])
  })

  it('but a prompt that is deleted takes only its link along', async () => {
    const { target, folder, services } = await setUp(USER)
    const topic = await topicOf(services.topics, 't')
    await services.topics.save({ ...topic, prompts: [] }, {})
    expect(readdirSync(join(folder, 'prompts'))).toEqual([])
    expect(readFileSync(target, 'utf8')).toBe('old')
  })
})

function hasOtherFileSystem(): boolean {
  const other = lstatSync('/dev/shm', { throwIfNoEntry: false })
  return other !== undefined && other.dev !== lstatSync('/tmp').dev
}

describe('a change behind a link is served within the freshness bound', () => {
  it.each(['prompts/t/user.md', 'prompts/t', 'prompts'])('written in place, at %s', async (linked) => {
    const { target, text } = await setUp(linked)
    // After the first look of the watch, which learns where links are, and before it.
    for (const body of ['first', 'again']) {
      await writeFile(target + USER.slice(linked.length), body)
      await waitFor(async () => (await text()) === body, PROMPTLY_MS)
    }
  })

  it('when the link is a new one', async () => {
    const folder = await folderWith(topicContent('t', { user: 'old' }))
    const { catalog } = await openServices(openFiles(folder))
    const target = join(await tempFolder(), 'target')
    const text = async () => (await catalog.texts(catalog.published('t')))['user']
    await writeFile(target, 'linked')
    await symlink(target, join(folder, 'new'))
    await rename(join(folder, 'new'), join(folder, USER))
    await waitFor(async () => (await text()) === 'linked', PROMPTLY_MS)
    await writeFile(target, 'changed')
    await waitFor(async () => (await text()) === 'changed', PROMPTLY_MS)
  })

  it.each(['both folders', 'every file'])(
    'when ..data is swapped, as Kubernetes does: %s are links',
    async (how) => {
      const [folder, mount] = [await tempFolder(), await tempFolder()]
      const publish = async (user: string) => {
        await writeTopic(join(mount, `..${user}`), topicContent('t', { user }))
        await symlink(`..${user}`, join(mount, '..data_tmp'))
        await rename(join(mount, '..data_tmp'), join(mount, '..data'))
      }
      await publish('one')
      const linked = how === 'both folders' ? ['topics', 'prompts'] : ['topics/t.json', USER]
      if (how !== 'both folders')
        for (const name of ['topics', 'prompts/t']) await mkdir(join(folder, name), { recursive: true })
      for (const path of linked) await symlink(join(mount, '..data', path), join(folder, path))
      const { catalog } = await openServices(openFiles(folder))
      const text = async () => (await catalog.texts(catalog.published('t')))['user']
      for (const next of ['two', 'six']) {
        await publish(next)
        await waitFor(async () => (await text()) === next, PROMPTLY_MS)
      }
      expect(catalog.staleSince()).toBeUndefined()
    },
  )
})

describe('a link to nothing', () => {
  it.each([
    ['topics/t.json', 'topics/t.json: is a link to nothing.'],
    [USER, 'prompts/t/user.md: is a link to nothing.'],
    ['prompts/t', 'prompts/t: is a link to nothing.'],
  ])(
    'at %s deletes nothing: it is an invalid edit, and fixed when its target is back',
    async (linked, reason) => {
      const { target, services } = await setUp(linked)
      const { catalog } = services
      const before = catalog.published('t')
      await rename(target, `${target}-away`)
      await waitFor(() => catalog.incomplete().size > 0, PROMPTLY_MS)
      expect(catalog.published('t')).toEqual(before)
      expect((await failureOf(() => putBodies(services, 't', { user: 'x' }))).message).toContain(reason)
      await waitFor(() => catalog.invalid().get('t') === reason, 3_000)
      await rename(`${target}-away`, target)
      await waitFor(() => catalog.invalid().size === 0, PROMPTLY_MS)
      expect(catalog.published('t')).toEqual(before)
    },
  )

  it.each(['topics', 'prompts'])('at %s is an outage', async (linked) => {
    const { target, services } = await setUp(linked)
    await rename(target, `${target}-away`)
    await waitFor(() => services.catalog.staleSince(), 3_000)
    expect(services.catalog.published('t').prompts).toHaveLength(1)
    await rename(`${target}-away`, target)
    await waitFor(() => services.catalog.staleSince() === undefined, 3_000)
  })
})

it('a link to itself is an invalid edit', async () => {
  const { link, services } = await setUp(USER)
  await rm(link)
  await symlink('user.md', link)
  await waitFor(() => services.catalog.invalid().get('t') === 'prompts/t/user.md: cannot be read.', 3_000)
})
