import { fingerprint, promptKey } from '../domain/prompt-store.ts'

/** One call of an operation: its whole input, and the answer. */
export interface Example {
  input: Record<string, unknown>
  data: unknown
  /** Where answers must have it. */
  meta?: unknown
}

const at = { topic_id: 'revenue_salesforce', prompt_type: 'system' }
const address = { topic_id: at.topic_id }
const content = 'You are an AI analyzing revenue KPI...'
const edited = 'Updated system prompt...'
const userPrompt = 'Analyze a revenue of {{kpi_value}}.'
const allowed_parameters = [{ name: 'kpi_value', type: 'number', required: true }]
const created = '2025-01-20T13:00:00.000Z'
const updated = '2025-01-20T14:00:00.000Z'
const by = 'admin@purposepath.ai'

/** What a caller writes about the topic, and what everybody reads of it. */
const request = {
  ...address,
  topic_name: 'Revenue Growth - Salesforce',
  topic_type: 'kpi_system',
  category: 'kpi',
  allowed_parameters,
}
const definition = { ...request, display_order: 100, is_active: true, config: {} }

/** A text's facts, as the answers of prompts, of history and of topic records share them. */
const first = { revision: 1, ...fingerprint(content), updated_at: created, updated_by: by }
const second = { revision: 2, ...fingerprint(edited), updated_at: updated, updated_by: by }
const prompt = { ...at, content, allowed_parameters, ...first }

const stamps = { created_at: created, created_by: by, updated_at: created, updated_by: by }
const newTopic = { ...definition, prompts: [], revision: 1, ...stamps, available_prompts: [] }
const topic = {
  ...definition,
  prompts: [{ prompt_type: at.prompt_type, s3_key: promptKey(at.topic_id, at.prompt_type), ...first }],
  revision: 2,
  ...stamps,
  available_prompts: [at.prompt_type],
}

/** An example of every operation, by its name: those of the design document where it has one. */
export const examples: Readonly<Record<string, Example>> = {
  'prompts.fetch': {
    input: { topic_id: 'core_values' },
    data: {
      topic_id: 'core_values',
      prompts: { system: 'You are an expert coach...', user: 'Help {{user_name}} discover...' },
    },
  },
  'prompts.batch': {
    input: { topic_ids: ['core_values', 'purpose', 'revenue_salesforce'] },
    data: {
      core_values: { prompts: { system: '...', user: '...' } },
      purpose: { prompts: { system: '...', user: '...' } },
      revenue_salesforce: { prompts: { system: '...', user: '...' } },
    },
  },
  'prompts.render': {
    input: { ...address, parameters: { kpi_value: 95000 } },
    data: { ...address, prompts: { system: content, user: userPrompt.replace('{{kpi_value}}', '95000') } },
  },
  'prompts.analyze': {
    input: { ...address, parameters: { kpi_value: 95000, threshold: 100000, time_period: 'Q4 2025' } },
    data: {
      analysis: 'Revenue is 5% below threshold. ...',
      recommendations: ['Focus on enterprise sales', 'Review pricing strategy'],
      severity: 'warning',
    },
    meta: {
      ...address,
      revision: 2,
      model: 'anthropic.claude-3-sonnet-20240229-v1:0',
      input_tokens: 412,
      output_tokens: 96,
      attempts: 1,
      latency_ms: 2140,
    },
  },
  'topics.list': {
    input: { topic_type: 'kpi_system' },
    data: [
      {
        ...definition,
        available_prompts: [at.prompt_type],
        revision: 2,
        updated_at: created,
        updated_by: by,
      },
    ],
  },
  'topics.get': { input: address, data: topic },
  'topics.create': {
    input: request,
    data: { ...newTopic, message: 'Topic created. Now create prompts for this topic.' },
  },
  'topics.update': {
    input: { ...address, description: 'Revenue against its threshold.', expected_revision: 2 },
    data: {
      ...topic,
      description: 'Revenue against its threshold.',
      revision: 3,
      updated_at: updated,
      message: 'Topic updated.',
    },
  },
  'topics.delete': { input: address, data: { ...address, message: 'Topic deleted.' } },
  'prompts.get': { input: at, data: prompt },
  'prompts.create': { input: { ...at, content }, data: prompt },
  'prompts.update': {
    input: { ...at, content: edited, expected_revision: 1 },
    data: { ...prompt, content: edited, ...second },
  },
  'prompts.delete': { input: at, data: { ...at, message: 'Prompt deleted.' } },
  'prompts.preview': {
    input: { ...at, content: userPrompt, parameters: { kpi_value: 95000 } },
    data: { valid: true, errors: [], warnings: [], rendered: 'Analyze a revenue of 95000.' },
  },
  'prompts.history': {
    input: at,
    data: [
      { version_id: '2', ...second, current: true },
      { version_id: '1', ...first, current: false },
    ],
  },
  'prompts.restore': {
    input: { ...at, version_id: '1' },
    data: { ...prompt, revision: 3, updated_at: updated },
  },
}
