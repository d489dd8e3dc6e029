/**
 * Names of OpenTelemetry's semantic conventions for generative AI and MCP, version 0.1.0. All of them are in development
 * there and have changed before, so they stand here alone, and a test compares them with that version.
 *
 * https://github.com/open-telemetry/semantic-conventions-genai
 */
export const CONVENTIONS_VERSION = '0.1.0'

export const CONVENTION_METRICS = {
  mcpDuration: 'mcp.server.operation.duration',
  modelDuration: 'gen_ai.client.inference.duration',
  modelFirstChunk: 'gen_ai.client.inference.time_to_first_chunk',
  modelInputTokens: 'gen_ai.client.inference.usage.input_tokens',
  modelOutputTokens: 'gen_ai.client.inference.usage.output_tokens',
} as const

/** Upper bounds that the conventions recommend, in seconds. */
export const MCP_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
export const MODEL_BUCKETS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]

export const ATTRIBUTES = {
  errorType: 'error.type',
  transport: 'network.transport',
  statusCode: 'rpc.response.status_code',
  requestId: 'jsonrpc.request.id',
  mcpMethod: 'mcp.method.name',
  mcpVersion: 'mcp.protocol.version',
  mcpResource: 'mcp.resource.uri',
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  tool: 'gen_ai.tool.name',
  prompt: 'gen_ai.prompt.name',
  promptVersion: 'gen_ai.prompt.version',
  conversation: 'gen_ai.conversation.id',
  model: 'gen_ai.request.model',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  firstChunk: 'gen_ai.response.time_to_first_chunk',
  finishReasons: 'gen_ai.response.finish_reasons',
} as const

/** Values of `gen_ai.operation.name`. */
export const TOOL_CALL = 'execute_tool'
export const CHAT = 'chat'
/** `error.type` of a tool's result that is an error. */
export const TOOL_ERROR = 'tool_error'

/** `gen_ai.provider.name` of a provider of ours (PROMPTS_LLM). */
export function providerName(provider: string): string {
  return provider === 'bedrock' ? 'aws.bedrock' : provider
}

/** A name as Prometheus writes it. @example prometheusName('mcp.method.name') // 'mcp_method_name' */
export function prometheusName(name: string): string {
  return name.replaceAll('.', '_')
}
