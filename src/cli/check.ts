import { readTopicSource } from '../adapters/files/topic-source.ts'
import { invalidInput } from '../domain/errors.ts'
import { promptKey } from '../domain/prompt-store.ts'
import { checkTopic } from '../domain/topic.ts'
import type { CommandContext } from './context.ts'
import { pathArgument } from './path.ts'

/** `check`: what `import` would say of a folder or file, without a store. */
export async function runCheck(
  { terminal }: CommandContext,
  path: string,
  { json = false }: { json?: boolean },
): Promise<void> {
  const { contents, errors, notes } = readTopicSource(pathArgument('path', path))
  for (const note of notes) terminal.info(note)
  const checks = contents.map(({ definition, texts }) => {
    const { topic_id } = definition
    const check = checkTopic(definition, texts, (type) => promptKey(topic_id, type))
    for (const { message } of check.warnings) terminal.info(`${topic_id}: ${message}`)
    return { topic_id, prompts: Object.keys(texts), errors: check.errors }
  })
  const faults = [...errors, ...checks.flatMap((check) => check.errors)]
  if (faults.length > 0) throw invalidInput(faults)
  const rows = checks.map(({ topic_id, prompts }) => ({ topic_id, prompts }))
  if (json) terminal.printRows(rows, { asJson: true, otherwise: '' })
  else terminal.print(`${rows.length} topics are valid.`)
}
