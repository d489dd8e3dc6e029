import { analyzeKpi } from './analysis.ts'
import type { Operation } from './operation.ts'
import { createPrompt, deletePrompt, restorePrompt, updatePrompt } from './prompt-edits.ts'
import { getPrompt, previewPrompt, promptHistory } from './prompt-reviews.ts'
import { batchGet, getPrompts, renderPrompts } from './prompts.ts'
import { createTopic, deleteTopic, updateTopic } from './topic-edits.ts'
import { getTopic, listTopics } from './topics.ts'

/** Everything the system can do. MCP tools, REST, OpenAPI and the command line are loops over this table. */
export const operations: readonly Operation[] = [
  getPrompts,
  batchGet,
  renderPrompts,
  analyzeKpi,
  listTopics,
  getTopic,
  createTopic,
  updateTopic,
  deleteTopic,
  getPrompt,
  createPrompt,
  updatePrompt,
  deletePrompt,
  previewPrompt,
  promptHistory,
  restorePrompt,
]
