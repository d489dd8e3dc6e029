import * as z from 'zod'

/** A message of a chat prompt, or the place of messages that the caller puts in. */
const Message = z.union([
  z.looseObject({ type: z.literal('placeholder'), name: z.string() }),
  z.looseObject({ role: z.string().min(1), content: z.string() }),
])
export type Message = z.infer<typeof Message>

/**
 * One version of a prompt in Langfuse: an element of its export, and what `GET /api/public/v2/prompts/{name}` answers.
 * https://api.reference.langfuse.com
 */
export const PromptVersion = z.looseObject({
  name: z.string().min(1),
  prompt: z.union([z.string(), z.array(Message)]),
  version: z.int().optional(),
  labels: z.array(z.string()).default([]),
  tags: z.array(z.string()).default([]),
  config: z.unknown().optional(),
})
export type PromptVersion = z.infer<typeof PromptVersion>

/** What Langfuse's import takes: the body of its `POST /api/public/v2/prompts`. */
export interface NewPrompt {
  name: string
  type: 'text' | 'chat'
  prompt: string | { role: string; content: string }[]
  labels: string[]
  tags: string[]
  config: Record<string, unknown>
}

/** The label of the version that Langfuse serves unless asked for another. */
export const PRODUCTION = 'production'
