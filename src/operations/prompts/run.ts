import * as z from 'zod'
import { MAX_MESSAGE_BYTES } from '../../domain/conversation.ts'
import { PromptType, TopicId } from '../../domain/identifiers.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { ModelMeta } from '../../pipeline/result.ts'
import { Analysis } from '../../services/analysis.ts'
import * as drafts from '../../services/drafts.ts'
import { JsonObject } from '../../util/json.ts'
import { modelAnswer } from '../analysis.ts'
import * as sample from '../sample.ts'

/** More than a conversation that a person tries has. */
const MAX_TURNS = 1_000

const Message = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= MAX_MESSAGE_BYTES, {
    error: `is larger than ${MAX_MESSAGE_BYTES} bytes`,
    params: { expected: `at most ${MAX_MESSAGE_BYTES} bytes` },
  })

export const runDraft = defineOperation({
  name: 'prompts.run',
  tool: 'run_draft',
  http: 'POST /admin/prompts/{topic_id}/run',
  title: 'Run a draft',
  summary: 'Ask the model of a topic with other texts in place of its own; nothing is stored.',
  role: 'admin',
  effect: 'read',
  limit: 'analysis',
  cache: 'none',
  streams: true,
  input: z.strictObject({
    topic_id: TopicId,
    prompts: z
      .record(PromptType, z.string())
      .default({})
      .describe("Texts by prompt type, in place of the topic's own or beside them."),
    parameters: JsonObject.default({}).describe('Values by parameter name.'),
    message: Message.optional().describe('What a person says to a coach; analyses have none.'),
    turns: z
      .array(z.strictObject({ message: Message, answer: z.string().min(1).optional() }))
      .max(MAX_TURNS)
      .default([])
      .describe('What was said before, oldest first: each message with its answer, if it got one.'),
  }),
  output: z.union([
    Analysis,
    z.strictObject({ message: z.strictObject({ role: z.literal('assistant'), content: z.string() }) }),
  ]),
  meta: ModelMeta,
  example: {
    input: {
      ...sample.id,
      prompts: { system: sample.editedContent },
      parameters: { kpi_value: 95000 },
    },
    data: sample.analysis,
    meta: sample.modelMeta,
  },
  async run(services, draft, context) {
    const { parameterStyle: style = 'json', signal, listener } = context
    const startedAt = performance.now()
    const options = { style, prefix: 'parameters', signal, listener }
    const finished = await drafts.runDraft(services, draft, options)
    const data = finished.analysis ?? { message: finished.message }
    return { data, ...modelAnswer(finished, options.prefix, startedAt) }
  },
})
