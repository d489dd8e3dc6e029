import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { AppError, type FieldFault, invalidInput } from '../../domain/errors.ts'
import { isIdentifier } from '../../domain/identifiers.ts'
import { definitionOf, type TopicContent, TopicDefinition } from '../../domain/topic.ts'
import { faultsOf } from '../../domain/validation.ts'
import { layoutOf } from './layout.ts'
import { formatDefinition, readTopicFiles } from './working-copy.ts'

/** One JSON file with everything: `{"topics": [{…definition, "prompts": {type: text}}]}`. */
const TopicsFile = z.strictObject({
  topics: z.array(TopicDefinition.extend({ prompts: z.record(z.string().refine(isIdentifier), z.string()) })),
})

/**
 * Reads topics from a folder in the layout of `seeds/`, or from one JSON file as `export` writes it.
 *
 * @throws AppError `not_found` when there is nothing there, `invalid_input` naming every fault of every file.
 */
export function readTopicSource(path: string): TopicContent[] {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (!facts) throw new AppError('not_found', `There is no ${path}.`)
  return facts.isDirectory() ? readFolder(path) : readFile(path)
}

function readFolder(path: string): TopicContent[] {
  const layout = layoutOf(path)
  if (!existsSync(layout.topics)) throw new AppError('not_found', `${path} holds no folder "topics".`)
  const faults: FieldFault[] = []
  const sources: TopicContent[] = []
  for (const name of readdirSync(layout.topics).sort()) {
    if (!name.endsWith('.json')) continue
    const topic_id = name.slice(0, -'.json'.length)
    if (!isIdentifier(topic_id)) {
      faults.push({
        path: `topics/${name}`,
        expected: 'a topic id as name',
        message: 'is not named by a topic id.',
      })
      continue
    }
    const files = readTopicFiles(layout, topic_id)
    faults.push(...(files?.faults ?? []))
    if (files?.definition) sources.push({ definition: files.definition, bodies: files.bodies })
  }
  if (faults.length > 0) throw invalidInput(faults)
  return sources
}

function readFile(path: string): TopicContent[] {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    throw invalidInput([{ path, expected: 'JSON', message: 'is not JSON.' }])
  }
  const parsed = TopicsFile.safeParse(content)
  if (!parsed.success) throw invalidInput(faultsOf(parsed.error))
  return parsed.data.topics.map(({ prompts, ...definition }) => ({ definition, bodies: prompts }))
}

/**
 * Writes topics as a folder, or as one JSON file when `path` ends in `.json`. The same topics always give the
 * same bytes. Other files in the folder stay.
 */
export async function writeTopicSource(path: string, sources: readonly TopicContent[]): Promise<void> {
  if (path.endsWith('.json')) {
    const topics = sources.map(({ definition, bodies }) => ({ ...definitionOf(definition), prompts: bodies }))
    await writeFile(path, `${JSON.stringify({ topics }, null, 2)}\n`)
    return
  }
  const layout = layoutOf(path)
  await mkdir(layout.topics, { recursive: true })
  for (const { definition, bodies } of sources) {
    await writeFile(layout.definition(definition.topic_id), formatDefinition(definition))
    for (const [type, body] of Object.entries(bodies)) {
      const file = layout.body(definition.topic_id, type)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, body)
    }
  }
}
