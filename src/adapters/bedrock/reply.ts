import type { ConverseCommandOutput, TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import type { ModelReply, TokenCount } from '../../domain/language-model.ts'
import { requireWhole } from './stop-reasons.ts'

/**
 * The reply in an answer of Converse.
 *
 * @throws ModelFailure `incomplete`.
 */
export function replyOf(
  { output, stopReason, usage }: ConverseCommandOutput,
  hasFormat: boolean,
): ModelReply {
  requireWhole(stopReason, countOf(usage))
  const blocks = output?.message?.content ?? []
  const tools = blocks.flatMap(({ toolUse }) => (toolUse ? [jsonOf(toolUse.input)] : []))
  const text = blocks.map((block) => block.text ?? '').join('')
  return reply({ tools, text, usage }, hasFormat)
}

/** What a model said, from its parts: with a format the tools' inputs, or the text of a model that used no tool. */
export function reply(
  { tools, text, usage }: { tools: string[]; text: string; usage: TokenUsage | undefined },
  hasFormat: boolean,
): ModelReply {
  const texts = text === '' ? [] : [text]
  return {
    answers: hasFormat && tools.length > 0 ? tools : texts,
    usage: countOf(usage),
  }
}

export function countOf(usage: TokenUsage | undefined): TokenCount {
  return { inputTokens: usage?.inputTokens ?? 0, outputTokens: usage?.outputTokens ?? 0 }
}

const jsonOf = (input: unknown) => JSON.stringify(input ?? {})
