import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { invalidInput, toAppError } from '../../../domain/errors.ts'
import { parseInput } from '../../../domain/validation.ts'
import { getPrompts } from '../../../operations/prompts/fetch.ts'
import { createTopic } from '../../../operations/topics/edit.ts'
import type { Meta, Operation, Result } from '../../../pipeline/operation.ts'
import { keptBody, passingBody } from '../rest/answer.ts'
import { callOf } from '../rest/call.ts'
import { inputReader } from '../rest/input.ts'
import type { RestDeps } from '../rest/rest.ts'
import { API_ROOT, placesOf, routerPath } from '../rest/routes.ts'
import { createTemplate, getTemplate } from './openapi.ts'
import { templateOf, templatePath, templateTextsOf, topicOf } from './translate.ts'

/**
 * Two paths of the design document's first draft, which programs may still call (spec §3): translations of
 * `create_topic` and `get_prompts` from and to its camelCase shapes.
 */
export function registerLegacyTemplates(
  scope: FastifyInstance,
  { execute, basePath }: Omit<RestDeps, 'authenticate'>,
) {
  const readTemplate = inputReader({ ...createTemplate, ...placesOf(createTemplate) })
  scope.post(createTemplate.path, async (request, reply) => {
    let added: string[] = []
    const read = () => {
      const { topic, undeclared } = topicOf(readTemplate(request))
      added = undeclared
      return topic
    }
    const { data, meta } = await run(createTopic, read, request, reply)
    const warnings = [
      ...added.map((name) => ({
        path: 'parameters',
        message: `"${name}" is used but not declared; it has become a required string parameter.`,
      })),
      ...(meta?.warnings ?? []).map(({ path, message }) => ({ path: templatePath(path), message })),
    ]
    const location = `${basePath}${API_ROOT}/integration/templates/${data.topic_id}`
    reply.code(201).header('location', location).header('etag', `"${data.revision}"`)
    return passingBody(reply, { success: true, data: templateOf(data), ...metaOf(warnings) })
  })

  const readAddress = inputReader({ ...getTemplate, ...placesOf(getTemplate) })
  scope.get(routerPath(getTemplate.path), async (request, reply) => {
    const read = () => {
      const { templateId, ...options } = parseInput(getTemplate.input, readAddress(request), 1)
      return { topic_id: templateId, ...options }
    }
    const { data, meta } = await run(getPrompts, read, request, reply)
    if (meta?.stale) reply.header('prompts-stale', 'true')
    return keptBody(request, reply, { success: true, data: templateTextsOf(data, meta?.revision) })
  })

  /** Runs an operation; what it refuses is named as the early paths name it, what `read` refuses is so already. */
  async function run<Input extends z.ZodObject, Data extends z.ZodType>(
    operation: Operation<Input, Data>,
    read: () => object,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Result<z.input<Data>>> {
    let isRead = false
    const input = () => {
      const given = read()
      isRead = true
      return given
    }
    try {
      const { templateId = '' } = request.params as { templateId?: string }
      return await execute(operation, input, callOf(request, reply, operation, { topic_id: templateId }))
    } catch (thrown) {
      const { code, errors } = toAppError(thrown)
      if (code !== 'invalid_input' || !errors || !isRead) throw thrown
      throw invalidInput(errors.map((fault) => ({ ...fault, path: templatePath(fault.path) })))
    }
  }
}

function metaOf(warnings: NonNullable<Meta['warnings']>): { meta?: Meta } {
  return warnings.length > 0 ? { meta: { warnings } } : {}
}
