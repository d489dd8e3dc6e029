import type { CompleteResult } from '@modelcontextprotocol/server'
import * as z from 'zod'
import type { ParameterDefinition } from '../../domain/parameters.ts'
import { MAX_DEPTH, parseInput } from '../../domain/validation.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import type { Params } from './context.ts'
import { isPrompt } from './prompts.ts'

/** Most values of a completion (MCP revision 2025-11-25, completion/complete). */
const MAX_VALUES = 100

const CompleteParams = z.object({
  ref: z.discriminatedUnion('type', [
    z.object({ type: z.literal('ref/prompt'), name: z.string() }),
    z.object({ type: z.literal('ref/resource'), uri: z.string() }),
  ]),
  argument: z.object({ name: z.string(), value: z.string() }),
  context: z.object({ arguments: z.record(z.string(), z.string()).optional() }).optional(),
})

/** Completes an argument of a prompt or of a resource template by what is typed so far. */
export function complete(catalog: Catalog, params: Params): CompleteResult {
  const { ref, argument, context } = parseInput(CompleteParams, params, MAX_DEPTH)
  const values =
    ref.type === 'ref/prompt'
      ? argumentValues(catalog, ref.name, argument.name)
      : templateValues(catalog, argument.name, context?.arguments?.['topic_id'])
  const typed = argument.value.toLowerCase()
  const matches = values.filter((value) => value.toLowerCase().startsWith(typed))
  return {
    completion: {
      values: matches.slice(0, MAX_VALUES),
      total: matches.length,
      hasMore: matches.length > MAX_VALUES,
    },
  }
}

function argumentValues(catalog: Catalog, topic_id: string, name: string): string[] {
  const topic = catalog.list().find((candidate) => candidate.topic_id === topic_id && isPrompt(candidate))
  const definition = topic?.allowed_parameters.find((parameter) => parameter.name === name)
  return definition ? [...new Set(suggestions(definition).map(asText))] : []
}

function suggestions({ type, validation, default: standard }: ParameterDefinition): unknown[] {
  const first = standard === undefined ? [] : [standard]
  if (validation?.type === 'enum') return [...first, ...validation.enum_values]
  return type === 'boolean' ? [...first, true, false] : first
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function templateValues(catalog: Catalog, name: string, topic_id: string | undefined): string[] {
  const active = catalog.list().filter((topic) => topic.is_active)
  if (name === 'topic_id') return active.map((topic) => topic.topic_id)
  if (name !== 'prompt_type') return []
  const chosen = topic_id === undefined ? active : active.filter((topic) => topic.topic_id === topic_id)
  return [...new Set(chosen.flatMap((topic) => topic.prompts.map((info) => info.prompt_type)))]
}
