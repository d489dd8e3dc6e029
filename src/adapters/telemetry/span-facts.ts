import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ModelAttempt, StopReason } from '../../domain/language-model.ts'
import type { CallEvent, McpMessage } from '../../domain/telemetry.ts'
import { ATTRIBUTES, CHAT, TOOL_CALL } from './conventions.ts'
import { errorTypeOf, failureOf, isServerFault, jsonRpcCode } from './error-type.ts'

/** What a span says. Never any content: texts, values and words of callers have no way in here. */
export interface SpanFacts {
  name: string
  kind: SpanKind
  attributes: Attributes
  status: { code: SpanStatusCode }
}

/** Ids that clients make up may hold anything; numbers and UUIDs hold nothing to read. */
const PLAIN_ID = /^[0-9a-f-]{1,64}$/i
const VERSION = /^\d{4}-\d{2}-\d{2}$/

/** The span of a call. Over MCP it is named as the conventions ask, else by the operation. */
export function callFacts(event: CallEvent): SpanFacts {
  const { name, outcome, topic_id, prompt_type, requestId, origin } = event
  const mcp = origin?.mcp
  const errorType = errorTypeOf(event)
  const isError = mcp ? errorType !== undefined && outcome !== 'cancelled' : isServerFault(outcome)
  return {
    name: mcp ? mcpSpanName(mcp, topic_id) : name,
    kind: SpanKind.SERVER,
    attributes: {
      'prompts.operation': name,
      'prompts.outcome': outcome,
      'prompts.request_id': requestId,
      ...(prompt_type !== undefined && { 'prompts.prompt_type': prompt_type }),
      ...matterAttributes(event),
      ...(errorType !== undefined && { [ATTRIBUTES.errorType]: errorType }),
      ...(mcp && mcpAttributes(mcp, event)),
    },
    status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
  }
}

function mcpSpanName({ method, tool }: McpMessage, topic_id: string | undefined): string {
  const target = tool ?? (method === 'prompts/get' ? topic_id : undefined)
  return target === undefined ? method : `${method} ${target}`
}

function mcpAttributes(
  { method, tool, id, protocolVersion, transport }: McpMessage,
  { outcome, topic_id, prompt_type }: CallEvent,
): Attributes {
  const isJsonRpcError = outcome !== 'ok' && outcome !== 'cancelled' && tool === undefined
  const isRead = method === 'resources/read' && topic_id !== undefined
  return {
    [ATTRIBUTES.mcpMethod]: method,
    [ATTRIBUTES.transport]: transport,
    ...(PLAIN_ID.test(String(id)) && { [ATTRIBUTES.requestId]: String(id) }),
    ...(VERSION.test(protocolVersion ?? '') && { [ATTRIBUTES.mcpVersion]: protocolVersion }),
    ...(tool !== undefined && { [ATTRIBUTES.tool]: tool, [ATTRIBUTES.operation]: TOOL_CALL }),
    ...(isJsonRpcError && { [ATTRIBUTES.statusCode]: String(jsonRpcCode(outcome)) }),
    ...(isRead && {
      [ATTRIBUTES.mcpResource]: ['prompt:/', topic_id, prompt_type].filter(Boolean).join('/'),
    }),
  }
}

/** The span of one request to a model, which belongs to the call. */
export function modelFacts(
  attempt: ModelAttempt,
  { model, provider }: { model: string; provider: string },
  event: CallEvent,
): SpanFacts {
  const { startedAt, firstChunkAt, inputTokens, outputTokens, stopReason } = attempt
  const failure = failureOf(attempt)
  return {
    name: `${CHAT} ${model}`,
    kind: SpanKind.CLIENT,
    attributes: {
      [ATTRIBUTES.operation]: CHAT,
      [ATTRIBUTES.provider]: provider,
      [ATTRIBUTES.model]: model,
      [ATTRIBUTES.inputTokens]: inputTokens,
      [ATTRIBUTES.outputTokens]: outputTokens,
      ...matterAttributes(event),
      ...(firstChunkAt !== undefined && { [ATTRIBUTES.firstChunk]: (firstChunkAt - startedAt) / 1000 }),
      ...(stopReason && { [ATTRIBUTES.finishReasons]: [FINISH_REASONS[stopReason]] }),
      ...(failure && { [ATTRIBUTES.errorType]: failure }),
    },
    status: { code: failure ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
  }
}

/** Reasons to stop, in the words of the conventions' examples. */
const FINISH_REASONS: Record<StopReason, string> = {
  end: 'stop',
  unstated: 'stop',
  limit: 'length',
  context: 'length',
  filter: 'content_filter',
  other: 'other',
}

/** What a call and its requests to models are about. */
function matterAttributes({ topic_id, revision, conversation_id }: CallEvent): Attributes {
  return {
    ...(topic_id !== undefined && { [ATTRIBUTES.prompt]: topic_id }),
    ...(revision !== undefined && { [ATTRIBUTES.promptVersion]: String(revision) }),
    ...(conversation_id !== undefined && { [ATTRIBUTES.conversation]: conversation_id }),
  }
}
