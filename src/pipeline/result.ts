import * as z from 'zod'
import type { ModelUse } from '../domain/language-model.ts'
import { jsonBytes } from '../util/json.ts'

export const Meta = z.object({
  next_cursor: z.string().optional().describe('Give it as `cursor` to get the next page.'),
  warnings: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  stale: z
    .boolean()
    .optional()
    .describe('True while the store cannot be reached and known texts are served.'),
  as_of: z.string().optional().describe('When stale: the time of which the answer is.'),
  revision: z.int().optional(),
})
export type Meta = z.infer<typeof Meta>

/** Further meta of answers that a model has given. */
export const ModelMeta = Meta.extend({
  topic_id: z.string(),
  model: z.string(),
  input_tokens: z.int().describe('Of all attempts together.'),
  output_tokens: z.int(),
  latency_ms: z.int(),
  attempts: z
    .int()
    .describe('How often the model was asked: more than once after a passing failure or for a repair.'),
})

/** Further meta of a turn of a conversation. */
export const TurnMeta = ModelMeta.extend({
  context: z
    .object({
      turns_sent: z.int().describe('This turn and the ones before it that the model was sent.'),
      turns_left_out: z.int().describe("Earlier turns for which the model's context had no room."),
    })
    .describe('Which part of the conversation the model was sent.'),
})

/** Why one part of a batch failed. */
export const PartFailure = z.object({ code: z.string(), detail: z.string() })

/** An answer's JSON that is made once and sent again while the texts in it are the same. */
export interface CachedResponse {
  /** The whole answer, as it is sent: long texts are put together from bytes at a fraction of the cost. */
  bytes: Buffer
  /** A strong entity tag of it; set by the first surface that sends one. */
  etag?: string
  /** Set when the answer has passed its schema: by the pipeline, or by what puts it together from checked parts. */
  isChecked?: boolean
}

/** What an operation answers. Surfaces send its {@link responseBody}. */
export interface Result<Data> {
  data: Data
  meta?: Meta & Partial<z.infer<typeof TurnMeta>>
  /** Failures of single parts of a batch, by id. */
  errors?: Record<string, z.infer<typeof PartFailure>>
  /** What a model was used for, for audit and metrics. */
  use?: ModelUse
  /** Ids of the topics that the caller was served: their use is counted. */
  served?: readonly string[]
  /** The answer's JSON, where it is kept. */
  cached?: CachedResponse
}

/** What every surface answers: REST body, `structuredContent` and `--json` alike. */
export function responseBody<Data>({
  data,
  meta,
  errors,
}: Result<Data>): Pick<Result<Data>, 'data' | 'meta' | 'errors'> {
  return { data, ...(meta && { meta }), ...(errors && { errors }) }
}

/** The JSON of {@link responseBody}. */
export function responseJson(result: Result<unknown>): string {
  return result.cached?.bytes.toString() ?? JSON.stringify(responseBody(result))
}

/** The same as bytes. */
export function responseBytes(result: Result<unknown>): Buffer {
  return result.cached?.bytes ?? jsonBytes(responseBody(result))
}

/** Meta of an edit: the new revision, and its warnings, if any. */
export function editMeta(revision: number, warnings: NonNullable<Meta['warnings']>): Meta {
  return { revision, ...(warnings.length > 0 && { warnings }) }
}
