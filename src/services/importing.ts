import pMap from 'p-map'
import { type FieldError, invalidInput } from '../domain/errors.ts'
import { promptKey } from '../domain/prompt-store.ts'
import { checkTopic, type TopicContent } from '../domain/topic.ts'
import {
  type CurrentTopic,
  contentOf,
  type PublishingDeps,
  publish,
  sameContent,
  UNCHANGED,
} from './publishing.ts'

/** Topics that are written at the same time. */
const CONCURRENCY = 8

/** What an import or seeding does to each topic. */
type ImportAction = 'create' | 'update' | 'unchanged' | 'left as edited' | 'left as deleted'
export interface ImportStep {
  topic_id: string
  action: ImportAction
}

/** Decides what happens to a topic that exists already. */
type ImportPolicy = (wanted: TopicContent, current: CurrentTopic) => ImportAction

/**
 * Brings topics and their texts into the store. What is already there keeps its revision; prompts that the source
 * does not have stay. Every topic is checked before the first is written.
 *
 * @param dryRun only says what would happen.
 * @param sourceErrors what is wrong with the source already: reported together with what is found here.
 * @throws AppError `invalid_input` naming every error of every topic; nothing is written then.
 */
export function importTopics(
  deps: PublishingDeps,
  contents: readonly TopicContent[],
  options: ImportOptions,
): Promise<ImportStep[]> {
  return apply(deps, contents, importPolicy, options)
}

interface ImportOptions {
  by: string
  dryRun?: boolean
  sourceErrors?: readonly FieldError[]
}

const importPolicy: ImportPolicy = (wanted, { record, content }) =>
  record.deleted_at === undefined && sameContent(wanted, content) ? 'unchanged' : 'update'

/** Author of what seeding writes. */
const BY_SEED = 'seed'

/**
 * Adds missing topics and updates those that have not been edited since they were seeded; edited and deleted ones are
 * left alone.
 */
export function seedTopics(deps: PublishingDeps, contents: readonly TopicContent[]): Promise<ImportStep[]> {
  return apply(deps, contents, seedPolicy, { by: BY_SEED })
}

const seedPolicy: ImportPolicy = (wanted, { record, content }) => {
  if (record.deleted_at !== undefined) return 'left as deleted'
  if (sameContent(wanted, content)) return 'unchanged'
  const seeded = [record, ...record.prompts].every((part) => part.updated_by === BY_SEED)
  return seeded ? 'update' : 'left as edited'
}

async function apply(
  deps: PublishingDeps,
  contents: readonly TopicContent[],
  policy: ImportPolicy,
  { by, dryRun = false, sourceErrors = [] }: ImportOptions,
): Promise<ImportStep[]> {
  const plans = await pMap(contents, (content) => plan(deps, content, policy), { concurrency: CONCURRENCY })
  const errors = [...sourceErrors, ...plans.flatMap((planned) => planned.errors)]
  if (errors.length > 0) throw invalidInput(errors)
  if (dryRun) return plans.map(({ topic_id, action }) => ({ topic_id, action }))
  return pMap(contents, (content) => write(deps, content, policy, by), { concurrency: CONCURRENCY })
}

async function plan(
  { topics, catalog }: PublishingDeps,
  content: TopicContent,
  policy: ImportPolicy,
): Promise<ImportStep & { errors: FieldError[] }> {
  const { topic_id } = content.definition
  const stored = await topics.get(topic_id)
  if (stored && 'invalid' in stored) {
    const expected = 'a topic that can be read'
    const error = { path: topic_id, expected, message: `is invalid: ${stored.invalid}` }
    return { topic_id, action: 'update', errors: [error] }
  }
  const current = stored && { record: stored.topic, content: await contentOf(catalog, stored.topic) }
  const { definition, texts } = merge(content, current)
  const { errors } = checkTopic(definition, texts, (type) => promptKey(topic_id, type))
  return { topic_id, action: actionFor(content, current, policy), errors }
}

async function write(
  deps: PublishingDeps,
  content: TopicContent,
  policy: ImportPolicy,
  by: string,
): Promise<ImportStep> {
  const { topic_id } = content.definition
  const { before } = await publish(deps, { topic_id, by }, (current) => {
    const action = actionFor(content, current, policy)
    return action === 'create' || action === 'update' ? merge(content, current) : UNCHANGED
  })
  return { topic_id, action: actionFor(content, before, policy) }
}

function actionFor(
  content: TopicContent,
  current: CurrentTopic | undefined,
  policy: ImportPolicy,
): ImportAction {
  return current ? policy(merge(content, current), current) : 'create'
}

function merge({ definition, texts }: TopicContent, current: CurrentTopic | undefined): TopicContent {
  return { definition, texts: { ...current?.content.texts, ...texts } }
}
