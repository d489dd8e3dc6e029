import * as z from 'zod'
import { TopicId } from '../../../domain/identifiers.ts'
import { getPrompts } from '../../../operations/prompts/fetch.ts'
import { createTopic } from '../../../operations/topics/edit.ts'
import { Meta } from '../../../pipeline/result.ts'
import type { ApiPath } from '../openapi/paths.ts'
import { Template, TemplateRequest, TemplateTexts } from './translate.ts'

const PARAMETER = {
  name: 'date_range',
  dataType: 'string' as const,
  required: true,
  validation: { type: 'enum' as const, enum_values: ['last_7_days', 'last_30_days', 'last_90_days'] },
}
const TEXTS = {
  systemPrompt: 'You are an expert business analyst...',
  userPromptTemplate: 'Analyze the revenue of {{date_range}}...',
}
const FACTS = {
  displayName: 'Revenue Growth Analysis for Salesforce',
  description: 'Analyzes revenue trends and anomalies',
  externalConfigId: 'kpi_sys_123',
  modelConfig: { provider: 'anthropic', model: 'claude-3-5-sonnet-20241022', temperature: 0.7 },
  parameters: [PARAMETER],
}
const TEMPLATE_ID = 'kpi_revenue_growth_salesforce'

export const createTemplate = {
  method: 'POST',
  path: '/admin/kpi-system/templates',
  operationId: 'templates.create',
  tag: 'templates',
  schemaName: 'CreateTemplate',
  title: 'Create KPI template',
  summary:
    'create_topic in an early shape. Plain variables that the texts use and `parameters` does not declare become required string parameters.',
  role: createTopic.role,
  effect: createTopic.effect,
  limit: createTopic.limit,
  creates: true,
  input: TemplateRequest,
  answer: z.object({ success: z.literal(true), data: Template, meta: Meta.optional() }),
  cache: 'revision',
  example: {
    input: { kpiId: 'revenue_growth', systemId: 'salesforce', ...FACTS, ...TEXTS },
    answer: {
      success: true,
      data: { templateId: TEMPLATE_ID, templateType: 'kpi_system', version: '1.0.0', ...FACTS },
    },
  },
} satisfies ApiPath

export const getTemplate = {
  method: 'GET',
  path: '/integration/templates/{templateId}',
  operationId: 'templates.get',
  tag: 'templates',
  schemaName: 'GetTemplate',
  title: 'Get KPI template',
  summary: 'get_prompts in an early shape.',
  role: getPrompts.role,
  effect: getPrompts.effect,
  limit: getPrompts.limit,
  creates: false,
  input: z.strictObject({
    templateId: TopicId,
    include_parameters: getPrompts.input.shape.include_parameters,
  }),
  answer: z.object({ success: z.literal(true), data: TemplateTexts }),
  cache: 'content',
  example: {
    input: { templateId: TEMPLATE_ID, include_parameters: true },
    answer: {
      success: true,
      data: { templateId: TEMPLATE_ID, version: '1.0.0', ...TEXTS, parameters: [PARAMETER] },
    },
  },
} satisfies ApiPath

/** How the OpenAPI document describes the two paths. */
export const legacyTemplatePaths: readonly ApiPath[] = [createTemplate, getTemplate]
