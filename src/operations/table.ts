import type { Operation } from '../pipeline/operation.ts'
import { analyzeKpi } from './analysis.ts'
import { eraseConversation, getConversation, listConversations } from './conversations/keep.ts'
import { cancelTurn, say, startConversation } from './conversations/talk.ts'
import { createKey, listKeys, revokeKey } from './keys.ts'
import { createPrompt, deletePrompt, restorePrompt, updatePrompt } from './prompts/edit.ts'
import { batchGet, getPrompts, renderPrompts } from './prompts/fetch.ts'
import { getPrompt, previewPrompt, promptHistory } from './prompts/review.ts'
import { runDraft } from './prompts/run.ts'
import { createTopic, deleteTopic, updateTopic } from './topics/edit.ts'
import { getTopic, listTopics } from './topics/read.ts'
import { topicUsage } from './topics/usage.ts'

/** Everything the system can do. MCP tools, REST, OpenAPI and the command line are loops over this table. */
export const operations: readonly Operation[] = [
  getPrompts,
  batchGet,
  renderPrompts,
  analyzeKpi,
  listTopics,
  getTopic,
  topicUsage,
  createTopic,
  updateTopic,
  deleteTopic,
  getPrompt,
  createPrompt,
  updatePrompt,
  deletePrompt,
  previewPrompt,
  runDraft,
  promptHistory,
  restorePrompt,
  startConversation,
  say,
  getConversation,
  listConversations,
  cancelTurn,
  eraseConversation,
  listKeys,
  createKey,
  revokeKey,
]
