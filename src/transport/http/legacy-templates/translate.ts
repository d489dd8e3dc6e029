import * as z from 'zod'
import { identifier, isIdentifier, TopicId } from '../../../domain/identifiers.ts'
import { ParameterDefinition } from '../../../domain/parameters.ts'
import { checkTemplate } from '../../../domain/template/check.ts'
import { type Topic, TopicDefinition } from '../../../domain/topic.ts'
import { parseInput } from '../../../domain/validation.ts'

/** A parameter as the early paths write it. */
const TemplateParameter = z.strictObject({
  name: ParameterDefinition.shape.name,
  dataType: ParameterDefinition.shape.type,
  required: ParameterDefinition.shape.required,
  description: ParameterDefinition.shape.description,
  defaultValue: ParameterDefinition.shape.default,
  validation: ParameterDefinition.shape.validation,
})

/** Model settings as the early paths write them; other members are kept as they are. */
const ModelConfig = z.looseObject({
  provider: z.string().optional(),
  model: z.string().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().positive().optional(),
  // Their names here are `model` and `maxTokens`; of two names for one thing, one value would be lost.
  default_model: z.never().optional(),
  max_tokens: z.never().optional(),
})

/** Body of `POST /admin/kpi-system/templates`. */
export const TemplateRequest = z
  .strictObject({
    kpiId: identifier('KPI, the first part of the template id'),
    systemId: identifier('System, the second part of the template id'),
    displayName: TopicDefinition.shape.topic_name,
    description: TopicDefinition.shape.description,
    externalConfigId: TopicDefinition.shape.external_id,
    systemPrompt: z.string().optional(),
    userPromptTemplate: z.string().optional(),
    modelConfig: ModelConfig.default({}),
    parameters: z.array(TemplateParameter).max(50).default([]),
  })
  .refine((request) => isIdentifier(topicIdOf(request)), {
    path: ['kpiId'],
    error: 'makes a template id that is too long',
    params: { expected: 'at most 64 characters for kpi_{kpiId}_{systemId}' },
  })

/** `data` of the answer to it. */
export const Template = z.object({
  templateId: TopicId,
  templateType: z.string(),
  version: z.string().describe('"{revision}.0.0"'),
  displayName: z.string(),
  description: z.string().optional(),
  externalConfigId: z.string().optional(),
  modelConfig: ModelConfig,
  parameters: z.array(TemplateParameter),
})

/** `data` of `GET /integration/templates/{templateId}`. */
export const TemplateTexts = z.object({
  templateId: TopicId,
  version: z.string().optional(),
  systemPrompt: z.string().optional(),
  userPromptTemplate: z.string().optional(),
  parameters: z.array(TemplateParameter).optional(),
})

/** Names of the early paths and ours: of the whole request, of a parameter, of the model settings. */
const FIELDS = {
  topic_id: 'templateId',
  topic_name: 'displayName',
  external_id: 'externalConfigId',
  config: 'modelConfig',
  allowed_parameters: 'parameters',
  'prompts.system': 'systemPrompt',
  'prompts.user': 'userPromptTemplate',
}
const PARAMETER_FIELDS = { type: 'dataType', default: 'defaultValue' }
const CONFIG_FIELDS = { default_model: 'model', max_tokens: 'maxTokens' }

const MAX_DEPTH = 32

/**
 * The input of `create_topic` that a body of the early path means. Plain variables that its texts use and it does not
 * declare become required string parameters, on this path alone: early callers send such texts.
 *
 * @throws AppError `invalid_input` with the paths of the body.
 */
export function topicOf(body: unknown): { topic: Record<string, unknown>; undeclared: string[] } {
  const request = parseInput(TemplateRequest, body, MAX_DEPTH)
  const { displayName, description, externalConfigId, modelConfig } = request
  const texts = { system: request.systemPrompt, user: request.userPromptTemplate }
  const prompts = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined))
  const declared = request.parameters.map((parameter) => renamed(parameter, reversed(PARAMETER_FIELDS)))
  const undeclared = new Set(
    Object.values(prompts).flatMap((text) => [
      ...checkTemplate(text as string, declared as unknown as ParameterDefinition[]).undeclared,
    ]),
  )
  const added = [...undeclared].map((name) => ({ name, type: 'string', required: true }))
  const topic = {
    topic_id: topicIdOf(request),
    topic_name: displayName,
    topic_type: 'kpi_system',
    category: 'kpi',
    ...(description !== undefined && { description }),
    ...(externalConfigId !== undefined && { external_id: externalConfigId }),
    config: renamed(modelConfig, reversed(CONFIG_FIELDS)),
    allowed_parameters: [...declared, ...added],
    prompts,
  }
  return { topic, undeclared: [...undeclared] }
}

function topicIdOf({ kpiId, systemId }: { kpiId: string; systemId: string }): string {
  return `kpi_${kpiId}_${systemId}`
}

/** A topic in the early shape. */
export function templateOf(topic: z.input<typeof Topic>): z.input<typeof Template> {
  const { topic_id, topic_type, revision, topic_name, description, external_id } = topic
  const { config = {}, allowed_parameters = [] } = topic
  return {
    templateId: topic_id,
    templateType: topic_type,
    version: versionOf(revision),
    displayName: topic_name,
    ...(description !== undefined && { description }),
    ...(external_id !== undefined && { externalConfigId: external_id }),
    modelConfig: renamed(config, CONFIG_FIELDS),
    parameters: allowed_parameters.map(parameterOf),
  }
}

/** A topic's texts in the early shape. */
export function templateTextsOf(
  data: {
    topic_id: string
    prompts: Record<string, string>
    allowed_parameters?: z.input<typeof ParameterDefinition>[] | undefined
  },
  revision: number | undefined,
): z.input<typeof TemplateTexts> {
  const { system, user } = data.prompts
  return {
    templateId: data.topic_id,
    ...(revision !== undefined && { version: versionOf(revision) }),
    ...(system !== undefined && { systemPrompt: system }),
    ...(user !== undefined && { userPromptTemplate: user }),
    ...(data.allowed_parameters && {
      parameters: data.allowed_parameters.map(parameterOf),
    }),
  }
}

/** A path of our input in the names of the early paths. */
export function templatePath(path: string): string {
  const [, head = '', index, member = ''] = /^([^.]+)(?:\.(\d+))?(?:\.(.+))?$/.exec(path) ?? []
  const names = head === 'config' ? CONFIG_FIELDS : PARAMETER_FIELDS
  if (Object.hasOwn(FIELDS, path)) return FIELDS[path as keyof typeof FIELDS]
  if (!Object.hasOwn(FIELDS, head)) return path
  const field = FIELDS[head as keyof typeof FIELDS]
  const rest =
    member === '' ? [] : [Object.hasOwn(names, member) ? names[member as keyof typeof names] : member]
  return [field, ...(index === undefined ? [] : [index]), ...rest].join('.')
}

function versionOf(revision: number): string {
  return `${revision}.0.0`
}

function parameterOf(parameter: z.input<typeof ParameterDefinition>): z.input<typeof TemplateParameter> {
  return renamed(parameter, PARAMETER_FIELDS) as z.input<typeof TemplateParameter>
}

/** A copy with the members in `names` renamed; the others stay as they are. */
function renamed(value: object, names: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [Object.hasOwn(names, name) ? names[name] : name, member]),
  )
}

function reversed(names: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(names).map(([ours, theirs]) => [theirs, ours]))
}
