import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { invalidInput, toAppError } from '../../../domain/errors.ts'
import { parseInput } from '../../../domain/validation.ts'
import { getPrompts } from '../../../operations/prompts/fetch.ts'
import { createTopic } from '../../../operations/topics/edit.ts'
import type { Execute } from '../../../pipeline/execute.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import type { Result } from '../../../pipeline/result.ts'
import { jsonBytes } from '../../../util/json.ts'
import { inputReader } from '../rest/input.ts'
import { sendJson, sendTagged } from '../rest/response.ts'
import { callContext } from '../rest/rest.ts'
import { API_ROOT, fieldLocations, routerPath } from '../rest/routes.ts'
import { createTemplate, getTemplate } from './openapi.ts'
import { templateOf, templatePath, templateTextsOf, topicOf } from './translate.ts'

/**
 * Two paths of an early design, which programs may still call: translations of `create_topic` and `get_prompts` from and
 * to its camelCase shapes (docs/specification.md, "Operations").
 */
export function registerLegacyTemplates(
  scope: FastifyInstance,
  { execute, basePath }: { execute: Execute; basePath: string },
): void {
  const readTemplate = inputReader({ ...createTemplate, ...fieldLocations(createTemplate) })
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
    const body = {
      success: true,
      data: templateOf(data),
      ...(warnings.length > 0 && { meta: { warnings } }),
    }
    const location = `${basePath}${API_ROOT}/integration/templates/${data.topic_id}`
    reply.code(201).header('location', location).header('etag', `"${data.revision}"`)
    return sendJson(reply.header('cache-control', 'no-store'), jsonBytes(body))
  })

  const readAddress = inputReader({ ...getTemplate, ...fieldLocations(getTemplate) })
  scope.get(routerPath(getTemplate.path), async (request, reply) => {
    const read = () => {
      const { templateId, ...options } = parseInput(getTemplate.input, readAddress(request), 1)
      return { topic_id: templateId, ...options }
    }
    const { data, meta } = await run(getPrompts, read, request, reply)
    if (meta?.stale) reply.header('prompts-stale', 'true')
    const body = { success: true, data: templateTextsOf(data, meta?.revision) }
    return sendTagged(request, reply, jsonBytes(body))
  })

  /** Runs an operation; what it refuses is named as these paths name it, what `read` refuses is so already. */
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
    const { templateId = '' } = request.params as { templateId?: string }
    try {
      return await execute(operation, input, callContext(request, reply, operation, { topic_id: templateId }))
    } catch (thrown) {
      const { code, errors, isAudited } = toAppError(thrown)
      if (code !== 'invalid_input' || !errors || !isRead) throw thrown
      const renamed = invalidInput(errors.map((error) => ({ ...error, path: templatePath(error.path) })))
      renamed.isAudited = isAudited
      throw renamed
    }
  }
}
