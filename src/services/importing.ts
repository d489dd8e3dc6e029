import pMap from 'p-map'
import { AppError, type FieldError, invalidInput } from '../domain/errors.ts'
import { checkTopic, type Topic, type TopicContent } from '../domain/topic.ts'
import { contentOf, type PublishingDeps, publish, sameContent } from './publishing.ts'

/** Topics that are written at the same time. */
const CONCURRENCY = 8

/** What an import or seeding does to each topic. */
type ImportAction = 'create' | 'update' | 'unchanged' | 'left as edited' | 'left as deleted'
export interface ImportStep {
  topic_id: string
  action: ImportAction
}

/** Decides what happens to a topic that exists already. */
type ImportPolicy = (wanted: TopicContent, current: TopicContent, record: Topic) => ImportAction

/**
 * Brings topics and their texts into the store. What is already there keeps its revision; prompts that the source
 * does not have stay. Every topic is checked before the first is written.
 *
 * @param dryRun only says what would happen.
 * @param sourceFaults what is wrong with the source already: told together with what is found here.
 * @throws AppError `invalid_input` naming every fault of every topic; nothing is written then.
 */
export function importTopics(
  deps: PublishingDeps,
  contents: readonly TopicContent[],
  options: { by: string; dryRun?: boolean; sourceFaults?: readonly FieldError[] },
): Promise<ImportStep[]> {
  const policy: ImportPolicy = (wanted, current, record) =>
    record.deleted_at === undefined && sameContent(wanted, current) ? 'unchanged' : 'update'
  return apply(deps, contents, policy, options)
}

/** Author of what seeding writes (spec §1). */
const BY_SEED = 'seed'

/**
 * Adds missing topics and updates those that nobody has touched since they were seeded; edited and deleted ones
 * are left alone (spec §7).
 */
export function seedTopics(deps: PublishingDeps, contents: readonly TopicContent[]): Promise<ImportStep[]> {
  const policy: ImportPolicy = (wanted, current, record) => {
    if (record.deleted_at !== undefined) return 'left as deleted'
    if (sameContent(wanted, current)) return 'unchanged'
    const seeded = [record, ...record.prompts].every((part) => part.updated_by === BY_SEED)
    return seeded ? 'update' : 'left as edited'
  }
  return apply(deps, contents, policy, { by: BY_SEED })
}

async function apply(
  deps: PublishingDeps,
  contents: readonly TopicContent[],
  policy: ImportPolicy,
  {
    by,
    dryRun = false,
    sourceFaults = [],
  }: { by: string; dryRun?: boolean; sourceFaults?: readonly FieldError[] },
): Promise<ImportStep[]> {
  const plans = await pMap(contents, (content) => plan(deps, content, policy), { concurrency: CONCURRENCY })
  const faults = [...sourceFaults, ...plans.flatMap((found) => found.faults)]
  if (faults.length > 0) throw invalidInput(faults)
  if (dryRun) return plans.map(({ topic_id, action }) => ({ topic_id, action }))
  return pMap(contents, (content) => write(deps, content, policy, by), { concurrency: CONCURRENCY })
}

async function plan(deps: PublishingDeps, content: TopicContent, policy: ImportPolicy) {
  const { topic_id } = content.definition
  const stored = await deps.topics.get(topic_id)
  if (stored && 'invalid' in stored) {
    const fault = {
      path: topic_id,
      expected: 'a topic that can be read',
      message: `is invalid: ${stored.invalid}`,
    }
    return { topic_id, action: 'update' as const, faults: [fault] }
  }
  const record = stored?.topic
  const current = record && (await contentOf(deps.catalog, record))
  const wanted = merge(content, current)
  return {
    topic_id,
    action: record && current ? policy(wanted, current, record) : 'create',
    faults: faultsIn(wanted),
  }
}

function faultsIn({ definition, texts }: TopicContent): FieldError[] {
  const { topic_id } = definition
  try {
    return checkTopic(definition, texts, (type) => `prompts/${topic_id}/${type}.md`).errors
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return [{ path: topic_id, expected: 'a smaller topic', message: error.message }]
  }
}

async function write(
  deps: PublishingDeps,
  content: TopicContent,
  policy: ImportPolicy,
  by: string,
): Promise<ImportStep> {
  const { topic_id } = content.definition
  let action: ImportAction = 'create'
  await publish(deps, topic_id, by, (current, record) => {
    const wanted = merge(content, current)
    action = current && record ? policy(wanted, current, record) : 'create'
    return action === 'create' || action === 'update' ? wanted : undefined
  })
  return { topic_id, action }
}

function merge(content: TopicContent, current: TopicContent | undefined): TopicContent {
  return { definition: content.definition, texts: { ...current?.texts, ...content.texts } }
}
