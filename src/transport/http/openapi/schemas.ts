import * as z from 'zod'
import { ERROR_CODES, type ErrorCode, type Problem as ProblemDocument } from '../../../domain/errors.ts'
import { ParameterDefinition } from '../../../domain/parameters.ts'
import { PromptInfo, TopicDefinition } from '../../../domain/topic.ts'
import { getConversation, listConversations } from '../../../operations/conversations/keep.ts'
import { Message } from '../../../operations/conversations/record.ts'
import { getPrompt, previewPrompt, promptHistory } from '../../../operations/prompts/review.ts'
import { createTopic } from '../../../operations/topics/edit.ts'
import { getTopic, listTopics } from '../../../operations/topics/read.ts'
import { Meta, PartFailure } from '../../../pipeline/result.ts'
import { withDefault } from '../../json-schema.ts'
import { type ApiPath, inputLocations } from './paths.ts'

/** A JSON Schema, or a reference to one. */
export type JsonSchema = z.core.JSONSchema.BaseSchema

const FieldFault = z.object({
  path: z.string().describe('Dotted, relative to the input; empty for the input as a whole.'),
  expected: z.string(),
  message: z.string(),
  line: z.int().optional().describe('In a prompt text, counted from 1.'),
  column: z.int().optional().describe('In a prompt text, counted from 1.'),
})
const CurrentPrompt = z.object({
  revision: z.int(),
  content: z.string(),
  updated_by: z.string(),
  updated_at: z.string(),
})
const CurrentTurn = z.object({ turn: z.int(), started_at: z.string() })
const Problem: z.ZodType<ProblemDocument> = z.object({
  type: z.string().describe('`urn:purposepath-prompts:problem:{code}`.'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('One sentence for people.'),
  code: z
    .enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]])
    .describe('What programs decide by; the same on every surface.'),
  errors: z.array(FieldFault).optional().describe('Every faulty field, when input is not valid.'),
  current: z
    .union([CurrentPrompt, CurrentTurn])
    .optional()
    .describe(
      'The text that won, when an edit of a prompt came too late; the turn that is being answered, when a message came too early.',
    ),
})

/** What callers send too. Sent and answered shapes differ: what may be left out is never left out of an answer. */
const SHARED = { ParameterDefinition, TopicConfig: TopicDefinition.shape.config.unwrap() }
/** Parts of answers that deserve a name of their own. */
const ANSWERED = {
  ...SHARED,
  Topic: getTopic.output,
  EditedTopic: createTopic.output,
  TopicSummary: listTopics.output.element,
  PromptInfo,
  Prompt: getPrompt.output,
  PromptVersion: promptHistory.output.element,
  DraftCheck: previewPrompt.output,
  Conversation: getConversation.output,
  ConversationSummary: listConversations.output.element,
  Message,
  Meta,
  PartFailure,
  Problem,
  FieldFault,
  CurrentPrompt,
  CurrentTurn,
}

/** Refers to a schema of {@link componentSchemas}. */
export function schemaRef(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}

/** The schemas of every request body and answer, and of the parts that they share, by name. */
export function componentSchemas(paths: readonly ApiPath[]): Record<string, JsonSchema> {
  const sent = z.registry<{ id: string }>()
  const answered = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(SHARED)) sent.add(schema, { id: `${id}Input` })
  for (const [id, schema] of Object.entries(ANSWERED)) answered.add(schema, { id })
  // Two addresses of one operation have their schemas in common.
  for (const path of new Map(paths.map((one) => [one.schemaName, one])).values()) {
    const { schemaName, answer } = path
    const body = bodySchema(path)
    if (body) sent.add(body, { id: `${schemaName}Request` })
    answered.add(answer, { id: `${schemaName}Answer` })
  }
  return { ...schemasOf(sent, 'input'), ...schemasOf(answered, 'output') }
}

/** The schema of a request body, if there is one: the input without what stands elsewhere. */
function bodySchema(path: ApiPath): z.ZodType | undefined {
  const { inBody } = inputLocations(path)
  if (inBody.length === 0) return undefined
  if (path.wholeBody !== undefined) return path.input.shape[path.wholeBody] as z.ZodType
  // Where nothing is left out, the input stays as it is: one with rules over several fields would refuse to be cut.
  const isWhole = inBody.length === Object.keys(path.input.shape).length
  return isWhole ? path.input : path.input.pick(maskOf(inBody))
}

/** The mask of Zod's `pick`, whose type knows no names that are found out while the program runs. */
function maskOf(names: readonly string[]): Record<string, never> {
  return Object.fromEntries(names.map((name) => [name, true])) as Record<string, never>
}

function schemasOf(registry: z.core.$ZodRegistry<{ id: string }>, io: 'input' | 'output') {
  const { schemas } = z.toJSONSchema(registry, {
    io,
    unrepresentable: 'any',
    uri: (id) => schemaRef(id).$ref,
    override({ jsonSchema }) {
      if (io === 'input') sayDefault(jsonSchema)
      // Answers may gain fields; who checks them must not stumble over that.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  })
  // The document says the dialect once, and where a schema stands is its address.
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  )
}

/** Code generators take a member with a default for one that must be given: in requests the description says it. */
function sayDefault(schema: JsonSchema): void {
  if (schema.default === undefined) return
  schema.description = withDefault(schema.description, schema.default)
  delete schema.default
}

/** The schema of each input field by itself, and whether it must be given. */
export function fieldSchemas(input: z.ZodObject): Record<string, { schema: JsonSchema; required: boolean }> {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      { schema: schema as JsonSchema, required: required.includes(name) },
    ]),
  )
}
