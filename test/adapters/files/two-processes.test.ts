import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { infoOf, newTopic, topicOf, versionText } from '../../contracts/store.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { bundledScript } from '../../helpers/script.ts'

const WRITER = await bundledScript(new URL('writer.ts', import.meta.url))
const TIMES = 200

/** Runs a writer to its end. */
async function write(folder: string, type: string): Promise<void> {
  const words = [WRITER, 'count', folder, type, String(TIMES)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`the writer of ${type} ended with ${code}`)
}

it('two processes that write the same topic lose nothing', async () => {
  const folder = await tempFolder()
  const { topics, prompts } = openFiles(folder)
  const bodies = { left: '0', right: '0', shared: '0' }
  await topics.save(newTopic('t', bodies), bodies)
  await Promise.all([write(folder, 'left'), write(folder, 'right')])

  const topic = await topicOf(topics, 't')
  expect(topic.revision).toBe(1 + 2 * TIMES)
  for (const [type, writes] of [
    ['left', TIMES],
    ['right', TIMES],
    ['shared', 2 * TIMES],
  ] as const) {
    expect(infoOf(topic, type).revision).toBe(1 + writes)
    expect(await prompts.read('t', infoOf(topic, type))).toBe(String(writes))
    const history = await prompts.history('t', type)
    expect(history.map(({ revision }) => revision)).toEqual(
      Array.from({ length: writes + 1 }, (_, index) => writes + 1 - index),
    )
    const texts = await Promise.all(
      history.map(({ version_id }) => versionText(prompts, 't', type, version_id)),
    )
    expect(texts.map(Number)).toEqual(Array.from({ length: writes + 1 }, (_, index) => writes - index))
  }
  const authors = (await prompts.history('t', 'shared')).map(({ updated_by }) => updated_by)
  expect(authors.filter((author) => author === 'left')).toHaveLength(TIMES)
  expect(authors.filter((author) => author === 'right')).toHaveLength(TIMES)
}, 600_000)
