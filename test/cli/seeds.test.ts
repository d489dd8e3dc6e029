import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readTopicSource } from '../../src/adapters/files/topic-source.ts'
import { checkParameters } from '../../src/domain/parameters.ts'
import { renderTemplate } from '../../src/domain/template/render.ts'
import { checkTopic, type TopicContent } from '../../src/domain/topic.ts'
import { seedTopics } from '../../src/services/importing.ts'
import { runCommand } from '../helpers/command.ts'
import { openFiles } from '../helpers/files-store.ts'
import { tempFolder } from '../helpers/folders.ts'
import { type Environment, type Finished, PACKAGE_ROOT, runProgram } from '../helpers/program.ts'
import { openServices } from '../helpers/services.ts'
import { folderWith } from '../helpers/source-folder.ts'
import { topicContent } from '../helpers/topics.ts'
import { topicFilesOf, treeOf } from '../helpers/trees.ts'

const COACHING = ['core_values', 'purpose', 'vision', 'goals']
const ALL = ['alignment_analysis', 'core_values', 'goals', 'purpose', 'revenue_salesforce', 'vision']
const SEEDS = new Map(
  readTopicSource(join(PACKAGE_ROOT, 'seeds')).contents.map((seed) => [seed.definition.topic_id, seed]),
)

function seedOf(topic_id: string): TopicContent {
  const seed = SEEDS.get(topic_id)
  if (!seed) throw new Error(`no seed ${topic_id}`)
  return seed
}

/** All texts of a seed, rendered with checked parameters. */
function rendered(topic_id: string, parameters: Record<string, unknown>): string {
  const { definition, texts } = seedOf(topic_id)
  const options = { style: 'json', prefix: '' } as const
  const values = checkParameters(definition.allowed_parameters, parameters, options)
  return Object.values(texts)
    .map((body) => renderTemplate(body, values))
    .join('\n')
}

function parametersOf(topic_id: string): Record<string, string> {
  const { allowed_parameters } = seedOf(topic_id).definition
  return Object.fromEntries(
    allowed_parameters.map(({ name, type, required }) => [name, required ? `${type}, required` : type]),
  )
}

/** What `seed` says it does, by topic. */
function actionsIn(stdout: string): Record<string, string> {
  const { data } = JSON.parse(stdout) as { data: { topic_id: string; action: string }[] }
  return Object.fromEntries(data.map(({ topic_id, action }) => [topic_id, action]))
}

const allDo = (action: string) => Object.fromEntries(ALL.map((topic_id) => [topic_id, action]))

async function revisionsIn(
  folder: string,
  run: (words: readonly string[], settings: Environment) => Promise<Finished> = runCommand,
): Promise<Record<string, number>> {
  const { stdout } = await run(['topics', 'list', '--json'], { PROMPTS_DATA_DIR: folder })
  const { data } = JSON.parse(stdout) as { data: { topic_id: string; revision: number }[] }
  return Object.fromEntries(data.map(({ topic_id, revision }) => [topic_id, revision]))
}

describe('the six seeds', () => {
  test('are the topics of the product, with system and user prompts, active, and name no model', () => {
    expect([...SEEDS.keys()].sort()).toEqual(ALL)
    for (const { definition, texts } of SEEDS.values()) {
      expect(Object.keys(texts)).toEqual(['system', 'user'])
      expect(definition.is_active).toBe(true)
      expect(definition.config).not.toHaveProperty('default_model')
    }
    const typeOf = (topic_id: string) => seedOf(topic_id).definition.topic_type
    expect(ALL.map((topic_id) => [topic_id, typeOf(topic_id)])).toEqual(
      ALL.map((topic_id) => [
        topic_id,
        COACHING.includes(topic_id)
          ? 'conversation_coaching'
          : topic_id === 'revenue_salesforce'
            ? 'kpi_system'
            : 'single_shot',
      ]),
    )
  })

  test.each(ALL)('%s has no fault, and uses every parameter that it declares', (topic_id) => {
    const { definition, texts } = seedOf(topic_id)
    expect(checkTopic(definition, texts)).toEqual({ errors: [], warnings: [] })
  })

  test.each(COACHING)('%s takes the parameters of a coaching topic', (topic_id) => {
    expect(parametersOf(topic_id)).toEqual({
      user_name: 'string, required',
      user_id: 'string',
      tenant_id: 'string',
      conversation_history: 'array',
    })
  })

  test('the examples take their parameters', () => {
    expect(parametersOf('alignment_analysis')).toEqual({
      user_values: 'array, required',
      goal_description: 'string, required',
    })
    expect(parametersOf('revenue_salesforce')).toEqual({
      kpi_value: 'number, required',
      threshold: 'number, required',
      time_period: 'string, required',
      historical_data: 'array',
    })
  })

  test('render with values of their kinds', () => {
    const kpi = rendered('revenue_salesforce', {
      kpi_value: 95000,
      threshold: 100000,
      time_period: 'Q4 2025',
    })
    for (const value of ['95000', '100000', 'Q4 2025']) expect(kpi).toContain(value)
    const alignment = rendered('alignment_analysis', {
      user_values: ['Honesty & <care>', 'Family'],
      goal_description: 'Become "director"',
    })
    for (const value of ['Honesty & <care>', 'Family', 'Become "director"'])
      expect(alignment).toContain(value)
    for (const text of [kpi, alignment]) expect(text).not.toMatch(/\{\{|undefined|\[object/)
  })

  test.each(COACHING)('%s renders for a first session and for a later one', (topic_id) => {
    const first = rendered(topic_id, { user_name: 'Zoë' })
    expect(first).toContain('Zoë')
    expect(first).not.toMatch(/\{\{|undefined|\[object/)
    const history = [
      { role: 'user', content: 'I said "x" & <y>' },
      { role: 'assistant', content: 'Tell me {{more}}' },
    ]
    const later = rendered(topic_id, { user_name: 'Zoë', conversation_history: history })
    for (const { role, content } of history) {
      expect(later).toContain(`${role}: ${content}`)
      expect(first).not.toContain(content)
    }
  })
})

describe('seed', () => {
  test('creates on a fresh store, and then says that nothing changed', async () => {
    const settings = { PROMPTS_DATA_DIR: await tempFolder() }
    const first = await runCommand(['seed', '--json'], settings)
    expect({ code: first.code, actions: actionsIn(first.stdout) }).toEqual({
      code: 0,
      actions: allDo('create'),
    })
    const before = await treeOf(settings.PROMPTS_DATA_DIR)
    const second = await runCommand(['seed', '--json'], settings)
    expect(actionsIn(second.stdout)).toEqual(allDo('unchanged'))
    expect(await treeOf(settings.PROMPTS_DATA_DIR)).toEqual(before)
  })

  test('prints for people what it did with which topic', async () => {
    const { stdout } = await runCommand(['seed'], { PROMPTS_DATA_DIR: await tempFolder() })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['topic_id', 'action'],
      ...ALL.map((topic_id) => [topic_id, 'create']),
    ])
  })

  test('of a newer program updates what nobody touched, and leaves edited and deleted topics', async () => {
    const PROMPTS_DATA_DIR = await tempFolder()
    const packageRoot = await tempFolder()
    await cp(join(PACKAGE_ROOT, 'seeds'), join(packageRoot, 'seeds'), { recursive: true })
    const seed = () => runCommand(['seed', '--json'], { PROMPTS_DATA_DIR }, { packageRoot })
    await seed()
    await writeFile(join(PROMPTS_DATA_DIR, 'prompts/vision/user.md'), 'Mine, {{user_name}}')
    await runCommand(['topics', 'delete', 'goals'], { PROMPTS_DATA_DIR })
    for (const topic_id of ['vision', 'goals', 'purpose']) await addLine(packageRoot, topic_id)

    const { code, stdout } = await seed()
    expect({ code, actions: actionsIn(stdout) }).toEqual({
      code: 0,
      actions: {
        ...allDo('unchanged'),
        vision: 'left as edited',
        goals: 'left as deleted',
        purpose: 'update',
      },
    })
    const text = (topic_id: string) =>
      readFile(join(PROMPTS_DATA_DIR, 'prompts', topic_id, 'user.md'), 'utf8')
    expect(await text('vision')).toBe('Mine, {{user_name}}')
    expect(await text('purpose')).toMatch(/\nAdded later\.\n$/)
    await expect(text('goals')).rejects.toThrow('ENOENT')
    // Whom an update has touched is still nobody's: the next one may do it again.
    await addLine(packageRoot, 'purpose')
    const again = await seed()
    expect(actionsIn(again.stdout)['purpose']).toBe('update')
    expect((await revisionsIn(PROMPTS_DATA_DIR))['purpose']).toBe(3)
  })
})

describe('a store without topics', () => {
  test('seeds itself when it is first used', async () => {
    const folder = await tempFolder()
    expect(await revisionsIn(folder)).toEqual(Object.fromEntries(ALL.map((topic_id) => [topic_id, 1])))
  })

  test('is seeded by none of the commands that only look after keys', async () => {
    const folder = await tempFolder()
    await runCommand(['keys', 'list'], { PROMPTS_DATA_DIR: folder })
    expect(await topicFilesOf(folder)).toEqual([])
  })

  test('is not one that holds a topic of its own, or only a deleted one', async () => {
    const folder = await folderWith(topicContent('mine', { user: 'x' }))
    expect(await revisionsIn(folder)).toEqual({ mine: 1 })
    await runCommand(['topics', 'delete', 'mine'], { PROMPTS_DATA_DIR: folder })
    expect(await revisionsIn(folder)).toEqual({})
    expect(await revisionsIn(folder)).toEqual({})
  })

  test('shows all seeds to each of two that seed it at the same time', async () => {
    const folder = await tempFolder()
    // Deaf to what the other one writes, as a process is for an instant.
    const deaf = () => {
      const { topics, prompts } = openFiles(folder)
      return openServices({
        topics: {
          ...topics,
          watch: async () => ({ catchUp: () => undefined, ageMs: () => 0, close: async () => {} }),
        },
        prompts,
      })
    }
    const both = await Promise.all([deaf(), deaf()])
    const seeds = [...SEEDS.values()]
    await Promise.all(both.map((services) => seedTopics(services, seeds)))
    for (const { catalog } of both) {
      const seen = catalog.list().map(({ topic_id, revision }) => [topic_id, revision])
      expect(seen.sort()).toEqual(ALL.map((topic_id) => [topic_id, 1]))
    }
  })

  test('is seeded once by two processes that start at the same time', async () => {
    const folder = await tempFolder()
    const [one, two] = await Promise.all([revisionsIn(folder, runProgram), revisionsIn(folder, runProgram)])
    for (const seen of [one, two]) expect(Object.values(seen).every((revision) => revision === 1)).toBe(true)
    expect(await revisionsIn(folder)).toEqual(Object.fromEntries(ALL.map((topic_id) => [topic_id, 1])))
    const versions = (await topicFilesOf(folder)).filter((path) => path.includes('versions'))
    expect(versions).toHaveLength(12)
  })
})

async function addLine(packageRoot: string, topic_id: string): Promise<void> {
  const file = join(packageRoot, 'seeds', 'prompts', topic_id, 'user.md')
  await writeFile(file, `${await readFile(file, 'utf8')}\nAdded later.\n`)
}
