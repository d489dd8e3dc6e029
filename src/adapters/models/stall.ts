import type { ModelRequest } from '../../domain/language-model.ts'

/** Silence in the middle of a stream after which it counts as broken. Servers that are alive send several pieces a second. */
export const STALL_MS = 20_000
/** Some providers hold a value of a tool's input back until it is whole: a slow model's time for one token. */
const TOOL_TOKEN_MS = 20

/**
 * How long a stream may be silent after its first piece.
 *
 * @param isTool whether the answer is the input of a tool.
 */
export function stallLimit({ maxTokens }: ModelRequest, isTool: boolean, stallMs = STALL_MS): number {
  return isTool ? Math.max(stallMs, maxTokens * TOOL_TOKEN_MS) : stallMs
}
