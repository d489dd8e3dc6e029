import pMap from 'p-map'
import { readTopicSource, type TopicSource, writeTopicSource } from '../adapters/files/topic-source.ts'
import { loadConfig } from '../config.ts'
import { AppError, invalidInput } from '../domain/errors.ts'
import { definitionOf } from '../domain/topic.ts'
import { type ImportStep, importTopics, seedTopics } from '../services/importing.ts'
import { type CommandContext, localUser, seedsOf, withApp } from './context.ts'
import { pathArgument, serverArgument } from './path.ts'

/** `seed`: adds the topics that come with the program and brings untouched ones up to date. */
export async function runSeed(context: CommandContext, { json = false }: { json?: boolean }): Promise<void> {
  const { contents } = readTopicSource(seedsOf(context.io))
  await withApp(context, {}, async ({ services }) =>
    printSteps(context, await seedTopics(services, contents), json),
  )
}

interface ImportOptions {
  from?: string
  dryRun?: boolean
  escape?: boolean
  json?: boolean
}

/** `import`: all topics of a folder, a file or a Langfuse project, or none. */
export async function runImport(
  context: CommandContext,
  path: string | undefined,
  options: ImportOptions,
): Promise<void> {
  const { dryRun = false, json = false } = options
  const { contents, errors, notes } = await sourceOf(context, path, options)
  for (const note of notes) context.terminal.info(note)
  await withApp(context, {}, async ({ services }) => {
    const { subject } = localUser()
    const steps = await importTopics(services, contents, { by: subject, dryRun, sourceErrors: errors })
    printSteps(context, steps, json)
  })
  if (dryRun) context.terminal.info('Nothing was written (--dry-run).')
}

/** @throws AppError `invalid_input` unless there is exactly one source. */
async function sourceOf(
  context: CommandContext,
  path: string | undefined,
  { from, escape: literal = false }: ImportOptions,
): Promise<TopicSource> {
  if ((path === undefined) === (from === undefined)) {
    const message = 'Give one source: a path, or --from with the address of Langfuse.'
    throw new AppError('invalid_input', message)
  }
  if (path !== undefined) return readTopicSource(pathArgument('path', path), { literal })
  const base = serverArgument('from', from ?? '')
  const { langfusePublicKey, langfuseSecretKey } = loadConfig(context.io.env).credentials
  if (langfusePublicKey === undefined || langfuseSecretKey === undefined) {
    const message =
      'LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are missing: expected the keys of the project.'
    throw new AppError('invalid_input', message)
  }
  const { readLangfuse } = await import('../adapters/langfuse/api.ts')
  const keys = { publicKey: langfusePublicKey, secretKey: langfuseSecretKey }
  return readLangfuse(base, keys, { literal }, context.terminal.info)
}

/** What `export` writes. */
const EXPORT_FORMATS = ['purposepath', 'langfuse']

/** `export`: all topics that are not deleted, as a folder or as one JSON file, or for Langfuse. */
export async function runExport(
  context: CommandContext,
  given: string,
  { format = 'purposepath' }: { format?: string },
): Promise<void> {
  const path = pathArgument('path', given)
  if (!EXPORT_FORMATS.includes(format)) {
    const expected = `one of ${EXPORT_FORMATS.join(', ')}`
    throw invalidInput([{ path: 'format', expected, message: `expected ${expected}.` }])
  }
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
    if (format === 'langfuse') {
      const { writeLangfuse } = await import('../adapters/langfuse/file.ts')
      for (const note of await writeLangfuse(path, contents)) context.terminal.info(note)
      return
    }
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
