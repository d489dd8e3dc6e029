import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import pMap from 'p-map'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { fingerprint } from '../../../src/domain/prompt-store.ts'
import type { PromptTexts, Topic } from '../../../src/domain/topic.ts'
import { updatePrompt } from '../../../src/operations/prompts/edit.ts'
import { updateTopic } from '../../../src/operations/topics/edit.ts'
import { infoOf, topicOf, versionText } from '../../contracts/store.ts'
import { freshPlace, type Place } from '../../helpers/aws-store.ts'
import { caller } from '../../helpers/operations.ts'
import { parameter } from '../../helpers/parameters.ts'
import { waitFor } from '../../helpers/program.ts'
import { bundledScript } from '../../helpers/script.ts'
import { openServices, put } from '../../helpers/services.ts'
import { topicContent } from '../../helpers/topics.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'
import { type Acknowledged, edits, markedBodies, openStore, RIVALS } from './writer.ts'

const WRITER = await bundledScript(new URL('writer.ts', import.meta.url))
/** Edits of each of four writers: two instances of this process, and two processes. */
const EDITS = 50

type Instance = Awaited<ReturnType<typeof openOne>>

/** An instance with clients, store and catalogue of its own. */
async function openOne(place: Place) {
  const store = openStore(place)
  onTestFinished(store.end)
  return openServices(store)
}

/** {@link edits} by a process of its own. */
async function editsByProcess(
  place: Place,
  name: string,
  acknowledge: (edit: Acknowledged) => void,
): Promise<void> {
  const words = [WRITER, 'edit', JSON.stringify(place), name, `${EDITS}`]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => acknowledge(JSON.parse(line)))
  const [[code]] = await Promise.all([once(child, 'exit'), once(lines, 'close')])
  if (code !== 0) throw new Error(`the writer ${name} ended with ${code}`)
}

/** Every part of a topic bears the mark of the same edit. */
function expectWhole({ topic_id, description = '', allowed_parameters, prompts }: Topic, texts: PromptTexts) {
  expect({ topic_id, allowed_parameters, texts }).toEqual({
    topic_id,
    allowed_parameters: [parameter(description)],
    texts: markedBodies(
      prompts.map(({ prompt_type }) => prompt_type),
      description,
    ),
  })
}

/** Looks at a topic in the store and in the catalogue. */
async function look({ topics, prompts, catalog }: Instance, topic_id: string): Promise<void> {
  const stored = await topicOf(topics, topic_id)
  const texts = stored.prompts.map(async (info) => [info.prompt_type, await prompts.read(topic_id, info)])
  expectWhole(stored, Object.fromEntries(await Promise.all(texts)))
  const served = catalog.topic(topic_id)
  expectWhole(served, await catalog.texts(served))
}

/** How two edits that are made at the same time end: `ok` or the code of the failure. */
async function outcomesOf(one: Promise<unknown>, other: Promise<unknown>): Promise<string[]> {
  const settled = await Promise.allSettled([one, other])
  return settled.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : outcome.reason.code))
}

const rounds = (count: number) => Array.from({ length: count }, (_, number) => number)

describeWithAws('two instances of one store', (parts) => {
  let place: Place
  let one: Instance
  let other: Instance
  beforeEach(async () => {
    place = await freshPlace(parts)
  })
  const openBoth = async () => {
    one = await openOne(place)
    other = await openOne(place)
  }

  test(`and two processes make ${4 * EDITS} edits at the same time, and none is lost, doubled or mixed`, async () => {
    await openBoth()
    const reader = await openOne(place)
    for (const topic_id of RIVALS) {
      const types = topic_id === RIVALS[0] ? ['system', 'user'] : ['system']
      const content = topicContent(topic_id, markedBodies(types, 'start'), [parameter('start')])
      await put(one, { ...content, definition: { ...content.definition, description: 'start' } })
    }
    await waitFor(() => reader.catalog.list().length === RIVALS.length)
    const acknowledged: Acknowledged[] = []
    const acknowledge = (edit: Acknowledged) => void acknowledged.push(edit)
    let writing = true
    let looks = 0
    const reading = (async () => {
      for (; writing; looks++) {
        await Promise.all(RIVALS.map((topic_id) => look(reader, topic_id)))
        await setTimeout(5)
      }
    })()
    const writers = Promise.all([
      edits(one, 'one', EDITS, acknowledge),
      edits(other, 'other', EDITS, acknowledge),
      editsByProcess(place, 'third', acknowledge),
      editsByProcess(place, 'fourth', acknowledge),
    ]).finally(() => {
      writing = false
    })
    await Promise.all([writers, reading])

    expect(acknowledged).toHaveLength(4 * EDITS)
    expect(looks).toBeGreaterThan(50)
    // Without turns the slowest writers lose forty times and more.
    expect(Math.max(...acknowledged.map(({ attempts }) => attempts))).toBeLessThan(25)
    for (const topic_id of RIVALS) {
      const won = acknowledged
        .filter((edit) => edit.topic_id === topic_id)
        .sort((a, b) => a.revision - b.revision)
      expect(won.map(({ revision }) => revision)).toEqual(won.map((_, index) => index + 2))
      const topic = await topicOf(other.topics, topic_id)
      expect(topic.revision).toBe(1 + won.length)
      const marks = ['start', ...won.map(({ mark }) => mark)].reverse()
      for (const { prompt_type } of topic.prompts) {
        const history = await other.prompts.history(topic_id, prompt_type)
        expect(history.map(({ revision, sha256 }) => [revision, sha256])).toEqual(
          marks.map((mark, index) => {
            const text = markedBodies([prompt_type], mark)[prompt_type] as string
            return [marks.length - index, fingerprint(text).sha256]
          }),
        )
        const { version_id = '' } = history.at(-2) ?? {}
        const text = await versionText(other.prompts, topic_id, prompt_type, version_id)
        expect(text).toBe(`${prompt_type} {{${marks.at(-2)}}}`)
      }
      await waitFor(() => reader.catalog.topic(topic_id).revision === topic.revision)
      await look(reader, topic_id)
    }
  }, 600_000)

  test('have exactly one winner for each revision', async () => {
    await openBoth()
    const compete = async (topic_id: string) => {
      await put(one, topicContent(topic_id, { system: 'start' }))
      for (let revision = 1; revision <= 25; revision++) {
        const texts = [`${revision} by one`, `${revision} by other`]
        const edit = (instance: Instance, index: number) =>
          caller(instance)(updatePrompt, {
            topic_id,
            prompt_type: 'system',
            content: texts[index],
            expected_revision: revision,
          })
        const outcomes = await outcomesOf(edit(one, 0), edit(other, 1))
        expect(outcomes.toSorted()).toEqual(['conflict', 'ok'])
        const topic = await topicOf(one.topics, topic_id)
        const info = infoOf(topic, 'system')
        expect([topic.revision, info.revision]).toEqual([revision + 1, revision + 1])
        expect(await one.prompts.read(topic_id, info)).toBe(texts[outcomes.indexOf('ok')])
      }
      const history = await other.prompts.history(topic_id, 'system')
      expect(history.map(({ revision }) => revision)).toEqual(rounds(26).map((index) => 26 - index))
    }
    await pMap(RIVALS, compete)
  })

  test('never disturb each other when they edit two prompts of one topic', async () => {
    await openBoth()
    await put(one, topicContent('t', { system: 'start', user: 'start' }))
    for (const round of rounds(30)) {
      const edit = (instance: Instance, prompt_type: string) =>
        caller(instance)(updatePrompt, {
          topic_id: 't',
          prompt_type,
          content: `text ${round}`,
          expected_revision: round + 1,
        })
      expect(await outcomesOf(edit(one, 'system'), edit(other, 'user'))).toEqual(['ok', 'ok'])
    }
    expect((await topicOf(other.topics, 't')).revision).toBe(61)
  })

  test('drop a parameter or use it, never both', async () => {
    await openBoth()
    const seen = new Set<string>()
    const play = async (round: number) => {
      const topic_id = `round_${round}`
      const startedAt = performance.now()
      await put(one, topicContent(topic_id, { system: 'without' }, [parameter('word')]))
      const took = performance.now() - startedAt
      const content = 'with {{word}}'
      const use = caller(other)(updatePrompt, { topic_id, prompt_type: 'system', content })
      // Dropping takes fewer steps: the other edit gets a head start, from none to one with which it comes first.
      const headStart = (took * (round % 10)) / 3
      const drop = setTimeout(headStart).then(() =>
        caller(one)(updateTopic, { topic_id, allowed_parameters: [] }),
      )
      const outcomes = await outcomesOf(drop, use)
      expect(outcomes.toSorted()).toEqual(['invalid_input', 'ok'])
      seen.add(outcomes.join(' '))
      const topic = await topicOf(one.topics, topic_id)
      const text = await other.prompts.read(topic_id, infoOf(topic, 'system'))
      const isUsed = outcomes[1] === 'ok'
      expect({ text, declared: topic.allowed_parameters }).toEqual({
        text: isUsed ? content : 'without',
        declared: isUsed ? [parameter('word')] : [],
      })
      expect(await other.prompts.history(topic_id, 'system')).toHaveLength(isUsed ? 2 : 1)
    }
    await pMap(rounds(50), play, { concurrency: 10 })
    // Both came first at times: it was a race.
    expect([...seen].sort()).toEqual(['invalid_input ok', 'ok invalid_input'])
  })
})
