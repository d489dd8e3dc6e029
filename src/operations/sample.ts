import { fingerprint, promptKey } from '../domain/prompt-store.ts'
import type { TopicDefinition } from '../domain/topic.ts'

/** The topic that the operations' examples show, in the states that they need. */
export const id = { topic_id: 'revenue_salesforce' }
export const address = { ...id, prompt_type: 'system' }
export const content = 'You are an AI analyzing revenue KPI...'
export const editedContent = 'Updated system prompt...'
export const note = 'Shorter answers'
export const userContent = 'Analyze a revenue of {{kpi_value}}.'

export const CREATED_AT = '2025-01-20T13:00:00.000Z'
export const UPDATED_AT = '2025-01-20T14:00:00.000Z'
const BY = 'admin@purposepath.ai'
export const updatedStamp = { updated_at: CREATED_AT, updated_by: BY }

const allowed_parameters: TopicDefinition['allowed_parameters'] = [
  { name: 'kpi_value', type: 'number', required: true },
]

/** What a caller writes about the topic, and what everybody reads of it. */
export const request = {
  ...id,
  topic_name: 'Revenue Growth - Salesforce',
  topic_type: 'kpi_system',
  category: 'kpi',
  allowed_parameters,
}
export const definition = { ...request, display_order: 100, is_active: true, config: {} }

/** Facts of its first and its second text. */
export const first = { revision: 1, ...fingerprint(content), ...updatedStamp }
export const second = { revision: 2, ...fingerprint(editedContent), updated_at: UPDATED_AT, updated_by: BY }
export const prompt = { ...address, content, allowed_parameters, ...first }

export const key = {
  id: '1f0c7a52',
  name: 'backend',
  prefix: 'ppath_svc_dev_9f2c41',
  created_at: CREATED_AT,
  expires_at: '2025-04-20T13:00:00.000Z',
}

export const analysis = {
  analysis: 'Revenue is 5% below threshold. ...',
  recommendations: ['Focus on enterprise sales', 'Review pricing strategy'],
  severity: 'warning' as const,
}
export const modelMeta = {
  ...id,
  revision: 2,
  model: 'anthropic.claude-3-sonnet-20240229-v1:0',
  input_tokens: 412,
  output_tokens: 96,
  attempts: 1,
  latency_ms: 2140,
}

const stamps = { created_at: CREATED_AT, created_by: BY, ...updatedStamp }
export const newTopic = { ...definition, prompts: [], revision: 1, ...stamps, available_prompts: [] }
export const topic = {
  ...definition,
  prompts: [
    { prompt_type: address.prompt_type, s3_key: promptKey(id.topic_id, address.prompt_type), ...first },
  ],
  revision: 2,
  ...stamps,
  available_prompts: [address.prompt_type],
}
