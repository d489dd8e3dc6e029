import type { Operation } from './operation.ts'
import { batchGet, getPrompts, renderPrompts } from './prompts.ts'
import { getTopic, listTopics } from './topics.ts'

/** Everything the system can do. MCP tools, REST, OpenAPI and the command line are loops over this table. */
export const operations: readonly Operation[] = [getPrompts, batchGet, renderPrompts, listTopics, getTopic]
