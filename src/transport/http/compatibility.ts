import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallContext, Meta } from '../../operations/operation.ts'
import { getPrompts } from '../../operations/prompts.ts'
import { createTopic } from '../../operations/topic-edits.ts'
import { parseText } from '../strings.ts'
import { readJsonObject } from './json-body.ts'
import { tellAllowance } from './limit-headers.ts'
import type { RestDeps } from './rest.ts'
import { sendOnce, sendTagged } from './rest-answer.ts'
import { API_ROOT } from './routes.ts'
import { templateOf, templatePath, templateTextsOf, topicOf, withTemplatePaths } from './templates.ts'

const TEMPLATES = '/admin/kpi-system/templates'
const INTEGRATION = '/integration/templates/:templateId'

/**
 * Two paths of the design document's first draft, which programs may still call (spec §3): translations of
 * `create_topic` and `get_prompts` from and to its camelCase shapes.
 */
export function serveEarlyPaths(
  scope: FastifyInstance,
  { execute, basePath }: Omit<RestDeps, 'authenticate'>,
) {
  scope.post(TEMPLATES, async (request, reply) => {
    let added: string[] = []
    const read = () => {
      const { topic, undeclared } = topicOf(readJsonObject(request.headers, request.body))
      added = undeclared
      return topic
    }
    const context = contextOf(request, reply, createTopic.limit)
    const { data, meta } = await withTemplatePaths(execute(createTopic, read, context))
    const warnings = [
      ...added.map((name) => ({
        path: 'parameters',
        message: `"${name}" is used but not declared; it has become a required string parameter.`,
      })),
      ...(meta?.warnings ?? []).map(({ path, message }) => ({ path: templatePath(path), message })),
    ]
    const location = `${basePath}${API_ROOT}/integration/templates/${data.topic_id}`
    reply.code(201).header('location', location).header('etag', `"${data.revision}"`)
    return sendOnce(reply, { success: true, data: templateOf(data), ...metaOf(warnings) })
  })

  scope.get(INTEGRATION, async (request, reply) => {
    const { templateId } = request.params as { templateId: string }
    const { include_parameters = 'false', ...others } = request.query as Record<string, string>
    const input = {
      topic_id: templateId,
      include_parameters: parseText('boolean', include_parameters),
      ...others,
    }
    const context = contextOf(request, reply, getPrompts.limit)
    const { data, meta } = await withTemplatePaths(execute(getPrompts, input, context))
    if (meta?.stale) reply.header('prompts-stale', 'true')
    return sendTagged(request, reply, { success: true, data: templateTextsOf(data, meta?.revision) })
  })
}

function contextOf(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: typeof createTopic.limit,
): CallContext {
  return {
    caller: request.caller,
    requestId: request.id,
    onAllowance: (allowance) => tellAllowance(reply, limit, allowance),
  }
}

function metaOf(warnings: NonNullable<Meta['warnings']>): { meta?: Meta } {
  return warnings.length > 0 ? { meta: { warnings } } : {}
}
