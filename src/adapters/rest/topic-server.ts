import pMap from 'p-map'
import * as z from 'zod'
import { AppError, ERROR_CODES, type ErrorCode, type FieldError } from '../../domain/errors.ts'
import { ParameterDefinitions } from '../../domain/parameters.ts'
import { TopicDefinition } from '../../domain/topic.ts'
import type { ServedTopic, TopicServer } from '../../domain/topic-server.ts'
import { check } from '../../domain/validation.ts'
import type { HttpAnswer, HttpClient } from '../http/client.ts'

const API = '/api/v1'
/** Topics of a page, and topics that are read at the same time. */
const PAGE_SIZE = 500
const CONCURRENCY = 8

// What a later server adds to its answers is passed over.
const { allowed_parameters: _, ...shortFields } = TopicDefinition.shape
const Summary = z.object({ ...shortFields, revision: z.int() })
type Summary = z.infer<typeof Summary>
const Page = z.object({
  data: z.array(Summary),
  meta: z.object({ next_cursor: z.string().optional() }).optional(),
})
const Texts = z.object({
  data: z.object({ prompts: z.record(z.string(), z.string()), allowed_parameters: ParameterDefinitions }),
  meta: z.object({ revision: z.int() }),
})
const TopicRecord = z.object({
  data: z.object({
    ...TopicDefinition.shape,
    revision: z.int(),
    prompts: z.array(z.object({ prompt_type: z.string(), revision: z.int() })),
  }),
})
const Prompt = z.object({ data: z.object({ content: z.string() }) })
const Fault = z.object({
  path: z.string(),
  expected: z.string(),
  message: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
})
const Preview = z.object({ data: z.object({ errors: z.array(Fault) }) })
const Problem = z.object({ code: z.string(), detail: z.string(), errors: z.array(Fault).optional() })

/** A server behind its REST API. */
export function restTopicServer({ send }: HttpClient): TopicServer {
  /** @throws AppError as the server has it, `unavailable` for what is no answer of this API. */
  async function ask<S extends z.ZodType>(
    schema: S,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<S>> {
    const answer = await send(method, API + path, body)
    const { data } = answer.status < 300 ? check(schema, answer.body) : {}
    if (data === undefined) throw failureOf(answer)
    return data
  }

  const tell = (method: string, path: string, body?: unknown) => ask(z.unknown(), method, path, body)

  async function summaries(path: string): Promise<Summary[]> {
    const found: Summary[] = []
    for (let cursor: string | undefined; ; ) {
      const from = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { data, meta } = await ask(Page, 'GET', `${path}?limit=${PAGE_SIZE}${from}`)
      found.push(...data)
      cursor = meta?.next_cursor
      if (cursor === undefined) return found
    }
  }

  /** Active topics are one request, which every role may send; of others only administrators have the parts. */
  async function read({ revision, ...short }: Summary): Promise<ServedTopic> {
    const { topic_id, is_active } = short
    if (is_active) {
      const path = `/prompts/${topic_id}?include_parameters=true`
      const { data, meta } = await ask(Texts, 'GET', path)
      if (meta.revision !== revision) throw edited(topic_id)
      const { prompts: texts, allowed_parameters } = data
      return { definition: { ...short, allowed_parameters }, texts, revision }
    }
    const { data } = await ask(TopicRecord, 'GET', `/admin/prompts/${topic_id}`)
    if (data.revision !== revision) throw edited(topic_id)
    const texts = await pMap(data.prompts, async ({ prompt_type }) => {
      const prompt = await ask(Prompt, 'GET', `/admin/prompts/${topic_id}/${prompt_type}`)
      return [prompt_type, prompt.data.content] as const
    })
    const { allowed_parameters } = data
    return { definition: { ...short, allowed_parameters }, texts: Object.fromEntries(texts), revision }
  }

  return {
    async all() {
      const everything = await summaries('/admin/prompts').catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'forbidden') return undefined
        throw error
      })
      const found = everything ?? (await summaries('/prompts'))
      const topics = await pMap(found, read, { concurrency: CONCURRENCY })
      return { topics, isComplete: everything !== undefined }
    },

    async promptRevisions({ definition: { topic_id }, revision }) {
      const { data } = await ask(TopicRecord, 'GET', `/admin/prompts/${topic_id}`)
      if (data.revision !== revision) throw edited(topic_id)
      return new Map(data.prompts.map((prompt) => [prompt.prompt_type, prompt.revision]))
    },

    async check(topic_id, prompt_type, content) {
      const path = `/admin/prompts/${topic_id}/${prompt_type}/preview`
      const { data } = await ask(Preview, 'POST', path, { content })
      return data.errors
    },

    async create({ definition, texts }) {
      await tell('POST', '/admin/prompts', { ...definition, prompts: texts })
    },

    async update({ topic_id, topic_type: _, description, external_id, ...fields }, expected_revision) {
      const cleared = { description: description ?? null, external_id: external_id ?? null }
      await tell('PUT', `/admin/prompts/${topic_id}`, { ...fields, ...cleared, expected_revision })
    },

    async saveText(topic_id, prompt_type, content, revision) {
      const path = `/admin/prompts/${topic_id}/${prompt_type}`
      if (revision === undefined) await tell('POST', path, { content })
      else await tell('PUT', path, { content, expected_revision: revision })
    },

    async deleteText(topic_id, prompt_type, revision) {
      await tell('DELETE', `/admin/prompts/${topic_id}/${prompt_type}?expected_revision=${revision}`)
    },

    async deleteTopic(topic_id, revision) {
      await tell('DELETE', `/admin/prompts/${topic_id}?expected_revision=${revision}`)
    },
  }
}

function edited(topic_id: string): AppError {
  return new AppError('conflict', `Topic "${topic_id}" was edited on the server meanwhile; try again.`)
}

/** The error that a problem document stands for. */
function failureOf({ status, body }: HttpAnswer): AppError {
  const { data: problem } = check(Problem, body)
  if (!problem || !isCode(problem.code)) {
    const message = `The server answers with status ${status} where the API of this program was expected.`
    return new AppError('unavailable', message)
  }
  const errors = problem.errors as FieldError[] | undefined
  return new AppError(problem.code, problem.detail, errors && { errors })
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}
