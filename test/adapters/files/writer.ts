import type { TopicContent } from '../../../src/domain/topic.ts'
import { openCatalog } from '../../../src/services/catalog/sync.ts'
import { publish } from '../../../src/services/publishing.ts'
import { createKeyedMutex } from '../../../src/util/keyed-mutex.ts'
import { systemClock } from '../../../src/util/time.ts'
import { openFiles } from '../../helpers/files-store.ts'
import { parameter } from '../../helpers/parameters.ts'
import { topicContent } from '../../helpers/topics.ts'

/**
 * A process that writes: `count FOLDER TYPE TIMES` adds one to the numbers in the prompts TYPE and `shared`, TIMES
 * times; `endless FOLDER` publishes text after text, each with a parameter of its own, and says each when it is safe.
 */
const [mode, folder = '', type = '', times = '0'] = process.argv.slice(2)

const { topics, prompts } = openFiles(folder)
const clock = systemClock
const catalog = await openCatalog({ topics, prompts, clock, staleIfErrorMs: 60_000, warn: () => {} })
const deps = { catalog, topics, prompts, clock, mutex: createKeyedMutex() }

if (mode === 'count') {
  for (let done = 0; done < Number(times); done++)
    await publish(deps, { topic_id: 't', by: type }, (current) => counted(current?.content))
} else {
  for (;;) {
    const target = { topic_id: 't', by: 'writer' }
    const { topic } = await publish(deps, target, (current) => numbered(numberOf(current?.content) + 1))
    process.stdout.write(`${topic.revision}\n`)
  }
}
await catalog.close()

function counted(current: TopicContent | undefined): TopicContent {
  if (!current) throw new Error('there is no topic t')
  const next = (name: string) => String(Number(current.texts[name]) + 1)
  return { ...current, texts: { ...current.texts, [type]: next(type), shared: next('shared') } }
}

function numberOf(current: TopicContent | undefined): number {
  return Number(current?.definition.description ?? 0)
}

function numbered(number: number): TopicContent {
  const name = `p_${number}`
  const text = `${number} {{${name}}} ${'.'.repeat(number % 7 === 0 ? 40_000 : number % 50)}`
  const content = topicContent('t', { system: text, user: text }, [parameter(name)])
  content.definition.description = String(number)
  return content
}
