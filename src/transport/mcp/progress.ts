import type { ServerContext } from '@modelcontextprotocol/server'
import type { CallContext } from '../../pipeline/operation.ts'

/** Marks the text so far as void: a progress message cannot be taken back. */
const RESET_MESSAGE = '\n[starting over]\n'

/**
 * What a tool call that asks a model needs from its request: the signal of its cancellation and, if the client sent a
 * progress token, a listener that sends the new text as progress notifications.
 */
export function progressOf({
  mcpReq: { _meta, signal, notify },
}: ServerContext): Pick<CallContext, 'signal' | 'listener'> {
  const progressToken = _meta?.progressToken
  if (progressToken === undefined) return { signal }
  let progress = 0
  const report = (message: string) => {
    progress++
    // Fails when the client has gone, which the signal reports.
    notify({ method: 'notifications/progress', params: { progressToken, progress, message } }).catch(() => {})
  }
  return { signal, listener: { onText: report, onReset: () => report(RESET_MESSAGE) } }
}
