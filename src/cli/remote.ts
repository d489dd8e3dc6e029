import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readTopicSource, writeTopicSource } from '../adapters/files/topic-source.ts'
import { httpClient } from '../adapters/http/client.ts'
import { restTopicServer } from '../adapters/rest/topic-server.ts'
import { AppError, invalidInput } from '../domain/errors.ts'
import type { TopicContent } from '../domain/topic.ts'
import type { TopicServer } from '../domain/topic-server.ts'
import { pushTopics } from '../services/pushing.ts'
import type { CommandContext } from './context.ts'
import { type CredentialOptions, findCredential, headersOf } from './credential.ts'
import { pathArgument, serverArgument } from './path.ts'
import { differencesOf, type FileDifference, filesOf } from './topic-files.ts'

/** `diff`: how the server's topics would change if they became those of the folder. Answers whether they differ. */
export async function runDiff(
  context: CommandContext,
  path: string,
  { to, json = false, ...credential }: CredentialOptions & { to: string; json?: boolean },
): Promise<boolean> {
  const { terminal } = context
  const here = readAll(context, path)
  const url = serverArgument('to', to)
  const { topics, isComplete } = await serverAt(context, url, credential).all()
  if (!isComplete) terminal.info('This credential sees active topics only; others are not compared.')
  const compared = isComplete ? here : here.filter(({ definition }) => definition.is_active)
  const differences = differencesOf(compared, topics)
  if (json) terminal.printRows(differences, { asJson: true, otherwise: '' })
  else for (const difference of differences) printDifference(context, difference, url)
  if (differences.length === 0) terminal.info(`The same: ${topics.length} topics.`)
  return differences.length > 0
}

function printDifference({ terminal }: CommandContext, { path, change, diff }: FileDifference, url: string) {
  const { bold, cyan, green, red } = terminal.colors
  if (diff === undefined) {
    terminal.print(bold(change === 'only here' ? `Only here: ${path}` : `Only there: ${path}`))
    return
  }
  terminal.print(bold(`--- ${url} ${path}\n+++ here ${path}`))
  for (const line of diff.split('\n')) {
    const color = { '-': red, '+': green, '@': cyan }[line[0] ?? '']
    terminal.print(color ? color(line) : line)
  }
}

interface PushOptions extends CredentialOptions {
  to: string
  prune?: boolean
  dryRun?: boolean
  json?: boolean
}

/** `push`: the folder's topics become the server's. */
export async function runPush(context: CommandContext, path: string, options: PushOptions): Promise<void> {
  const { prune = false, dryRun = false, json = false } = options
  const here = readAll(context, path)
  const server = serverAt(context, serverArgument('to', options.to), options)
  const steps = await pushTopics(server, here, { prune, dryRun })
  context.terminal.printRows(steps, { asJson: json, otherwise: 'Nothing to do.' })
  if (dryRun) context.terminal.info('Nothing was written (--dry-run).')
}

/** `pull`: the server's topics become the folder's. */
export async function runPull(
  context: CommandContext,
  path: string,
  { from, prune = false, ...credential }: CredentialOptions & { from: string; prune?: boolean },
): Promise<void> {
  const { terminal } = context
  const folder = pathArgument('folder', path)
  const { topics, isComplete } = await serverAt(context, serverArgument('from', from), credential).all()
  if (!isComplete) throw new AppError('forbidden', 'To pull needs a credential with the role "admin".')
  await writeTopicSource(folder, topics)
  terminal.info(`Wrote ${topics.length} topics to ${folder}.`)
  if (folder.endsWith('.json')) return
  const theirs = filesOf(topics)
  const others = [...filesOf(readTopicSource(folder).contents).keys()].filter((file) => !theirs.has(file))
  for (const file of others) {
    if (prune) await rm(join(folder, file))
    terminal.info(prune ? `Removed ${file}.` : `Only here: ${file}`)
  }
}

/** @throws AppError `invalid_input` naming every fault of the source. */
function readAll({ terminal }: CommandContext, path: string): TopicContent[] {
  const { contents, errors, notes } = readTopicSource(pathArgument('folder', path))
  for (const note of notes) terminal.info(note)
  if (errors.length > 0) throw invalidInput(errors)
  return contents
}

/** @throws AppError `unauthenticated` without a credential. */
function serverAt(context: CommandContext, url: string, options: CredentialOptions): TopicServer {
  const credential = findCredential(context, options)
  if (credential === undefined) {
    const message = 'Give a token in PROMPTS_TOKEN, or its file with --token-file.'
    throw new AppError('unauthenticated', message)
  }
  return restTopicServer(httpClient(url, headersOf(credential), context.terminal.info))
}
