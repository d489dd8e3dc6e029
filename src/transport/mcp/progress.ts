import type { ServerContext } from '@modelcontextprotocol/server'
import type { CallContext } from '../../pipeline/operation.ts'

/** What is told when what was shown so far is void: a progress message cannot be taken back. */
const RESET_MESSAGE = '\n[starting over]\n'

/**
 * What a tool call that asks a model can use of its request: a signal that it was cancelled, and if the client gave a
 * progress token, notifications with the new text as message (spec §6).
 */
export function progressOf({
  mcpReq: { _meta, signal, notify },
}: ServerContext): Pick<CallContext, 'signal' | 'listener'> {
  const progressToken = _meta?.progressToken
  if (progressToken === undefined) return { signal }
  let progress = 0
  const tell = (message: string) => {
    progress++
    // A client that has gone hears no more; the signal tells.
    notify({ method: 'notifications/progress', params: { progressToken, progress, message } }).catch(() => {})
  }
  return { signal, listener: { onText: tell, onReset: () => tell(RESET_MESSAGE) } }
}
