import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ParameterDefinitions } from '../../src/domain/parameters.ts'
import type { TopicContent } from '../../src/domain/topic.ts'
import { PACKAGE_ROOT } from './program.ts'
import { topicContent } from './topics.ts'

/** Writes a topic into a data folder as a person would: a definition, and a Markdown file for each text. */
export async function writeTopic(folder: string, { definition, texts }: TopicContent): Promise<void> {
  const { topic_id } = definition
  const prompts = join(folder, 'prompts', topic_id)
  await mkdir(join(folder, 'topics'), { recursive: true })
  await mkdir(prompts, { recursive: true })
  for (const [type, body] of Object.entries(texts)) await writeFile(join(prompts, `${type}.md`), body)
  await writeFile(join(folder, 'topics', `${topic_id}.json`), `${JSON.stringify(definition, null, 2)}\n`)
}

/** A prompt text as it comes with the program. */
export function seedText(topic_id: string, prompt_type: string): string {
  return readFileSync(join(PACKAGE_ROOT, 'seeds/prompts', topic_id, `${prompt_type}.md`), 'utf8')
}

/**
 * Two topics with something to complete: `greeting`, with arguments of every kind that has suggestions, and
 * `farewell`, without any.
 *
 * @returns the 150 values that the argument `choice` may have.
 */
export async function writeSuggestions(folder: string): Promise<string[]> {
  const many = Array.from({ length: 150 }, (_, number) => `m${number}`)
  const oneOf = (enum_values: string[]) => ({ type: 'enum', enum_values })
  const parameters = ParameterDefinitions.parse([
    { name: 'mood', type: 'string', validation: oneOf(['calm', 'cheerful', 'stern']) },
    { name: 'loud', type: 'boolean' },
    { name: 'language', type: 'string', default: 'English' },
    { name: 'choice', type: 'string', validation: oneOf(many) },
  ])
  const user = '{{mood}} {{loud}} {{language}} {{choice}}'
  await writeTopic(folder, topicContent('greeting', { user }, parameters))
  await writeTopic(folder, topicContent('farewell', { assistant: 'Bye.', system: 'Be short.' }))
  return many
}
