import pMap from 'p-map'
import { AppError, type FieldError, invalidInput, toAppError } from '../domain/errors.ts'
import { promptKey } from '../domain/prompt-store.ts'
import { checkTopic, type TopicContent, type TopicDefinition } from '../domain/topic.ts'
import type { ServedTopic, TopicServer } from '../domain/topic-server.ts'
import { sameJson } from '../util/json.ts'

/** Topics that are checked at the same time. */
const CONCURRENCY = 8

/** What a push does to a topic. `left`: the server has it, the source has not. */
export interface PushStep {
  topic_id: string
  action: 'create' | 'update' | 'delete' | 'unchanged' | 'left'
}

interface PushOptions {
  /** Also deletes topics and prompts that the source does not have. */
  prune: boolean
  /** Only says what would happen. */
  dryRun: boolean
}

/** One topic, here and on the server. */
interface Pair {
  topic_id: string
  here?: TopicContent
  there?: ServedTopic
}

/**
 * Makes the topics of a server those of a source. Everything is checked before the first topic is written; a topic that
 * was edited meanwhile is a conflict. Each topic is one or a few requests, so that a failure can leave some topics
 * written: the error says which. To push again goes on from there.
 *
 * @throws AppError `invalid_input` naming every fault, `forbidden` without the role `admin`; nothing is written then.
 *   What the server refuses, with what was written until then.
 */
export async function pushTopics(
  server: TopicServer,
  here: readonly TopicContent[],
  options: PushOptions,
): Promise<PushStep[]> {
  const { topics: there, isComplete } = await server.all()
  if (!isComplete) throw new AppError('forbidden', 'To push needs a credential with the role "admin".')
  const plans = pairsOf(here, there).map((pair) => ({ pair, action: actionFor(pair, options) }))
  const checks = await pMap(plans, ({ pair, action }) => errorsOf(server, pair, action, options), {
    concurrency: CONCURRENCY,
  })
  const errors = checks.flat()
  if (errors.length > 0) throw invalidInput(errors)
  const order = ['create', 'update', 'delete']
  const writes = plans
    .filter(({ action }) => order.includes(action))
    // What is new is refused most often: a server may create some types only.
    .sort((a, b) => order.indexOf(a.action) - order.indexOf(b.action))
  if (!options.dryRun) await writeAll(server, writes, options)
  return plans.map(({ pair: { topic_id }, action }) => ({ topic_id, action }))
}

function pairsOf(here: readonly TopicContent[], there: readonly ServedTopic[]): Pair[] {
  const pairs = new Map<string, Pair>()
  const pairOf = (topic_id: string): Pair => {
    const pair = pairs.get(topic_id) ?? { topic_id }
    pairs.set(topic_id, pair)
    return pair
  }
  for (const content of here) pairOf(content.definition.topic_id).here = content
  for (const topic of there) pairOf(topic.definition.topic_id).there = topic
  return [...pairs.values()]
}

function actionFor({ here, there }: Pair, { prune }: PushOptions): PushStep['action'] {
  if (!here) return prune ? 'delete' : 'left'
  if (!there) return 'create'
  const isSame =
    sameJson(here.definition, there.definition) && sameJson(textsAfter(here, there, prune), there.texts)
  return isSame ? 'unchanged' : 'update'
}

/** The texts of a topic after the push. */
function textsAfter(here: TopicContent, there: ServedTopic | undefined, prune: boolean) {
  return prune ? here.texts : { ...there?.texts, ...here.texts }
}

/** What keeps a topic from being pushed, as far as can be said before. */
async function errorsOf(
  server: TopicServer,
  { topic_id, here, there }: Pair,
  action: PushStep['action'],
  { prune }: PushOptions,
): Promise<FieldError[]> {
  if (!here || action === 'unchanged') return []
  const pathOf = (type: string) => promptKey(topic_id, type)
  const { errors } = checkTopic(here.definition, textsAfter(here, there, prune), pathOf)
  if (!there || errors.length > 0) return errors
  const { topic_type, allowed_parameters } = there.definition
  if (here.definition.topic_type !== topic_type) {
    const message = `is "${topic_type}" on the server and cannot be changed.`
    errors.push({ path: `topics/${topic_id}.json: topic_type`, expected: topic_type, message })
  }
  // The server would check against the parameters that it has now.
  if (!sameJson(here.definition.allowed_parameters, allowed_parameters)) return errors
  for (const [type, text] of changedTexts(here, there)) {
    for (const error of await server.check(topic_id, type, text))
      errors.push({ ...error, path: pathOf(type) })
  }
  return errors
}

function changedTexts(here: TopicContent, there: ServedTopic): [type: string, text: string][] {
  return Object.entries(here.texts).filter(([type, text]) => there.texts[type] !== text)
}

type Write = { pair: Pair; action: PushStep['action'] }

async function writeAll(server: TopicServer, writes: readonly Write[], options: PushOptions): Promise<void> {
  for (const [index, write] of writes.entries()) {
    try {
      await writeOne(server, write.pair, options)
    } catch (thrown) {
      const { code, message, errors } = toAppError(thrown)
      const idsOf = (some: readonly Write[]) => some.map(({ pair }) => pair.topic_id).join(', ') || 'none'
      const report = `${write.pair.topic_id} failed: ${message} Pushed before: ${idsOf(writes.slice(0, index))}. Not tried: ${idsOf(writes.slice(index + 1))}.`
      throw new AppError(code, report, { ...(errors && { errors }), cause: thrown })
    }
  }
}

async function writeOne(server: TopicServer, { topic_id, here, there }: Pair, options: PushOptions) {
  if (!there) return server.create(here as TopicContent)
  if (!here) return server.deleteTopic(topic_id, there.revision)
  return updateTopic(server, here, there, options)
}

/**
 * Parameters that texts will need come before the texts, those that texts have needed go after them: so the server finds
 * record and texts valid after every step.
 */
async function updateTopic(
  server: TopicServer,
  here: TopicContent,
  there: ServedTopic,
  { prune }: PushOptions,
): Promise<void> {
  const { topic_id } = here.definition
  const saved = changedTexts(here, there)
  const revisions = await server.promptRevisions(there)
  const deleted = prune ? [...revisions].filter(([type]) => !Object.hasOwn(here.texts, type)) : []
  const editsOfTexts = saved.length + deleted.length
  const first = editsOfTexts > 0 ? withOldParameters(here.definition, there.definition) : here.definition
  // Every edit raises the revision of the record by one.
  let { revision } = there
  if (!sameJson(first, there.definition)) {
    await server.update(first, revision)
    revision++
  }
  for (const [type, text] of saved) await server.saveText(topic_id, type, text, revisions.get(type))
  for (const [type, last] of deleted) await server.deleteText(topic_id, type, last)
  revision += editsOfTexts
  if (!sameJson(here.definition, first)) await server.update(here.definition, revision)
}

function withOldParameters(wanted: TopicDefinition, current: TopicDefinition): TopicDefinition {
  const names = new Set(wanted.allowed_parameters.map(({ name }) => name))
  const old = current.allowed_parameters.filter(({ name }) => !names.has(name))
  if (old.length === 0) return wanted
  return { ...wanted, allowed_parameters: [...wanted.allowed_parameters, ...old] }
}
