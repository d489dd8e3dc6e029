import pMap from 'p-map'
import { readTopicSource, writeTopicSource } from '../adapters/files/folder.ts'
import { AppError } from '../domain/errors.ts'
import { escapeForeignBraces } from '../domain/template/escape.ts'
import { definitionOf, type TopicContent } from '../domain/topic.ts'
import { type ImportStep, importTopics, seedTopics } from '../services/importing.ts'
import { type CommandContext, localUser, seedsOf, withApp } from './context.ts'
import { pathArgument } from './path.ts'

/** Files that a remark names. */
const MAX_LISTED = 10

/** `seed`: adds the topics that come with the program and brings untouched ones up to date. */
export async function runSeed(context: CommandContext, { json = false }: { json?: boolean }): Promise<void> {
  const { contents } = readTopicSource(seedsOf(context.io))
  await withApp(context, {}, async ({ services }) =>
    printSteps(context, await seedTopics(services, contents), json),
  )
}

/** `import`: all topics of a folder or file, or none. */
export async function runImport(
  context: CommandContext,
  path: string,
  options: { dryRun?: boolean; escape?: boolean; json?: boolean },
): Promise<void> {
  const { dryRun = false, json = false } = options
  const { contents, errors, leftovers } = readTopicSource(pathArgument('path', path))
  if (leftovers.length > 0) context.terminal.info(`Passed over ${listed(leftovers)}.`)
  const wanted = options.escape ? contents.map(withLiteralBraces) : contents
  await withApp(context, {}, async ({ services }) => {
    const { subject } = localUser()
    const steps = await importTopics(services, wanted, { by: subject, dryRun, sourceErrors: errors })
    printSteps(context, steps, json)
  })
  if (dryRun) context.terminal.info('Nothing was written (--dry-run).')
}

function listed(paths: readonly string[]): string {
  const more = paths.length - MAX_LISTED
  return paths.slice(0, MAX_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function withLiteralBraces({ definition, texts }: TopicContent): TopicContent {
  const escaped = Object.entries(texts).map(([type, body]) => [
    type,
    escapeForeignBraces(body, definition.allowed_parameters),
  ])
  return { definition, texts: Object.fromEntries(escaped) }
}

/** `export`: all topics that are not deleted, as a folder or as one JSON file. */
export async function runExport(context: CommandContext, given: string): Promise<void> {
  const path = pathArgument('path', given)
  await withApp(context, {}, async ({ services: { catalog } }) => {
    const invalid = [...catalog.invalid().keys()]
    if (invalid.length > 0) {
      throw new AppError(
        'conflict',
        `Fix these topics first, or they would be missing: ${invalid.join(', ')}.`,
      )
    }
    const topics = catalog.list().filter((topic) => topic.deleted_at === undefined)
    const contents = await pMap(topics, async (topic) => ({
      definition: definitionOf(topic),
      texts: sorted(await catalog.texts(topic)),
    }))
    await writeTopicSource(path, contents)
    context.terminal.info(`Exported ${contents.length} topics to ${path}.`)
  })
}

function sorted(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function printSteps({ terminal }: CommandContext, steps: readonly ImportStep[], asJson: boolean): void {
  terminal.printRows(steps, { asJson, otherwise: 'Nothing to do.' })
}
