import type { ConverseCommandInput, ConverseStreamCommandInput } from '@aws-sdk/client-bedrock-runtime'
import * as z from 'zod'
import {
  type AnswerFormat,
  ModelFailure,
  type ModelRequest,
  withoutLengths,
} from '../../domain/language-model.ts'
import {
  LENGTHS_REFUSED,
  SYSTEM_REFUSED,
  TEMPERATURE_REFUSED,
  withSystemInFirstMessage,
} from '../models/refused-features.ts'

/** Input of both Converse and ConverseStream; Converse ignores the one setting that only the other has. */
type Input = ConverseCommandInput & ConverseStreamCommandInput
/** Any JSON, as the SDK calls it. */
type Document = NonNullable<Input['additionalModelRequestFields']>

/** The features of a request that some models lack. */
export interface Features {
  /** System texts; without them they stand at the head of the first message. */
  system: boolean
  temperature: boolean
  /** The length of texts in a schema. */
  lengths: boolean
}

/** What is tried first. */
export const ALL_FEATURES: Features = { system: true, temperature: true, lengths: true }

const REFUSED: Record<keyof Features, { pattern: RegExp; isUsed: (request: ModelRequest) => boolean }> = {
  temperature: {
    pattern: TEMPERATURE_REFUSED,
    isUsed: ({ temperature }) => temperature !== undefined,
  },
  system: { pattern: SYSTEM_REFUSED, isUsed: ({ system }) => system.length > 0 },
  lengths: { pattern: LENGTHS_REFUSED, isUsed: ({ format }) => format !== undefined },
}

/** The feature that a model refuses with an error, if it can be done without. */
export function refusedFeature(
  error: unknown,
  request: ModelRequest,
  features: Features,
): keyof Features | undefined {
  if (!(error instanceof Error) || !/^Validation/i.test(error.name)) return undefined
  const names = Object.keys(REFUSED) as (keyof Features)[]
  return names.find((name) => {
    const { pattern, isUsed } = REFUSED[name]
    return features[name] && isUsed(request) && pattern.test(error.message)
  })
}

/** The members of a topic's `config` that only Bedrock reads. */
const BedrockConfig = z.object({
  /** A guardrail that checks both the prompt and the answer. */
  guardrail: z
    .strictObject({
      /** Its id or ARN. */
      guardrail_id: z.string().min(1),
      /** A number, or `DRAFT`. */
      guardrail_version: z.union([z.string().min(1), z.int().positive().transform(String)]),
      /** Default: `disabled`. */
      trace: z.enum(['enabled', 'disabled', 'enabled_full']).optional(),
      /** Default: `sync`, which holds text back until it is checked. With `async` it may be shown before. */
      stream_processing_mode: z.enum(['sync', 'async']).optional(),
    })
    .optional(),
  /** `{"latency": "optimized"}` for models that are also sold faster, at another price. */
  performance_config: z.strictObject({ latency: z.enum(['standard', 'optimized']) }).optional(),
  /** Settings of one model, for example `{"top_k": 50}`. */
  additional_model_request_fields: z.record(z.string(), z.json()).optional(),
})

/**
 * The request in Bedrock's form. Model ids, inference profiles and ARNs stay as they are.
 *
 * @throws ModelFailure `refused` if a setting for Bedrock in the topic's `config` is not valid: an answer without its
 *   guardrail would be worse than none.
 */
export function converseRequest(request: ModelRequest, features: Features): Input {
  const { model, system, maxTokens, temperature, format } = request
  const hasSystem = features.system && system.length > 0
  const messages = features.system ? request.messages : withSystemInFirstMessage(system, request.messages)
  const { guardrail, performance_config, additional_model_request_fields } = bedrockConfig(request.config)
  return {
    modelId: model,
    ...(hasSystem && { system: system.map((text) => ({ text })) }),
    messages: messages.map(({ role, content }) => ({ role, content: [{ text: content }] })),
    // Without a limit Bedrock reserves the model's highest from the account's quota.
    inferenceConfig: {
      maxTokens,
      ...(features.temperature && temperature !== undefined && { temperature }),
    },
    ...(format && { toolConfig: forcedTool(features.lengths ? format : withoutLengths(format)) }),
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
