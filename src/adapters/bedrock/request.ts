import type { ConverseCommandInput, ConverseStreamCommandInput } from '@aws-sdk/client-bedrock-runtime'
import * as z from 'zod'
import { type AnswerFormat, ModelFailure, type ModelRequest } from '../../domain/language-model.ts'

/** What both Converse and ConverseStream take; Converse overlooks the one setting of the other's. */
type Input = ConverseCommandInput & ConverseStreamCommandInput
/** Any JSON, as the SDK calls it. */
type Document = NonNullable<Input['additionalModelRequestFields']>

/** The members of a topic's `config` that are for Bedrock alone. */
const BedrockConfig = z.object({
  /** A guardrail that sees both what the model is asked and what it answers. */
  guardrail: z
    .strictObject({
      /** Its id or ARN. */
      guardrail_id: z.string().min(1),
      /** A number, or `DRAFT`. */
      guardrail_version: z.union([z.string().min(1), z.int().positive().transform(String)]),
      /** `disabled`, if left out. */
      trace: z.enum(['enabled', 'disabled', 'enabled_full']).optional(),
      /** `sync`, if left out: text is held back until it is checked. With `async` it may be shown before. */
      stream_processing_mode: z.enum(['sync', 'async']).optional(),
    })
    .optional(),
  /** `{"latency": "optimized"}` for models that are offered faster at another price. */
  performance_config: z.strictObject({ latency: z.enum(['standard', 'optimized']) }).optional(),
  /** What only one model knows, for example `{"top_k": 50}`. */
  additional_model_request_fields: z.record(z.string(), z.json()).optional(),
})

/**
 * A request as Bedrock takes it. Model ids, inference profiles and ARNs stay as they are.
 *
 * @throws ModelFailure `refused`, if the topic's `config` has something for Bedrock that is not valid: to leave out a
 *   guardrail silently would be worse than no answer.
 */
export function converseRequest(request: ModelRequest): Input {
  const { model, system, messages, maxTokens, temperature, format } = request
  const { guardrail, performance_config, additional_model_request_fields } = bedrockConfig(request.config)
  return {
    modelId: model,
    ...(system.length > 0 && { system: system.map((text) => ({ text })) }),
    messages: messages.map(({ role, content }) => ({ role, content: [{ text: content }] })),
    // Without a limit Bedrock reserves the model's highest from the account's quota.
    inferenceConfig: { maxTokens, ...(temperature !== undefined && { temperature }) },
    ...(format && { toolConfig: forcedTool(format) }),
    ...(guardrail && {
      guardrailConfig: {
        guardrailIdentifier: guardrail.guardrail_id,
        guardrailVersion: guardrail.guardrail_version,
        trace: guardrail.trace,
        streamProcessingMode: guardrail.stream_processing_mode,
      },
    }),
    ...(performance_config && { performanceConfig: performance_config }),
    ...(additional_model_request_fields && {
      additionalModelRequestFields: additional_model_request_fields as Document,
    }),
  }
}

function forcedTool({ name, description, schema }: AnswerFormat): Input['toolConfig'] {
  return {
    tools: [{ toolSpec: { name, description, inputSchema: { json: schema as Document } } }],
    toolChoice: { tool: { name } },
  }
}

function bedrockConfig(config: ModelRequest['config']) {
  const { success, data, error } = BedrockConfig.safeParse(config)
  if (success) return data
  const faults = error.issues.map(({ path, message }) => `config.${path.join('.')}: ${message}`)
  throw new ModelFailure('refused', "The topic's model settings are not valid.", {
    operatorMessage: `The topic's model settings for Bedrock are not valid: ${faults.join('; ')}`,
  })
}
