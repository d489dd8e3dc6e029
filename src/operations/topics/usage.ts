import * as z from 'zod'
import { TopicId } from '../../domain/identifiers.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import * as sample from '../sample.ts'

export const topicUsage = defineOperation({
  name: 'topics.usage',
  http: 'GET /admin/usage/{topic_id}',
  command: false,
  title: 'Use of a topic',
  summary: 'How often, when last and by whom a topic was used, as far as this instance has answered.',
  role: 'admin',
  effect: 'read',
  limit: 'admin',
  cache: 'none',
  input: z.strictObject({ topic_id: TopicId }),
  output: z.object({
    topic_id: z.string(),
    calls_24h: z
      .int()
      .describe('Fetches, renderings and answers of a model in this hour and the 23 hours before it.'),
    last_called_at: z.string().optional(),
    last_caller: z.string().optional(),
    observed_since: z.string().describe('When this instance began to count.'),
  }),
  example: {
    input: sample.id,
    data: {
      ...sample.id,
      calls_24h: 1280,
      last_called_at: sample.UPDATED_AT,
      last_caller: 'key:backend',
      observed_since: sample.CREATED_AT,
    },
  },
  async run({ catalog, usage }, { topic_id }) {
    catalog.topic(topic_id)
    const { calls, last, since } = usage.of(topic_id)
    return {
      data: {
        topic_id,
        calls_24h: calls,
        ...(last && { last_called_at: last.at.toISOString(), last_caller: last.caller }),
        observed_since: since.toISOString(),
      },
    }
  },
})
