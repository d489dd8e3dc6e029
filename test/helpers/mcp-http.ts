import { type FastifyRequest, fastify } from 'fastify'
import { onTestFinished } from 'vitest'
import type { Caller } from '../../src/domain/caller.ts'
import type { Execute } from '../../src/pipeline/execute.ts'
import type { Services } from '../../src/pipeline/operation.ts'
import { registerMcp } from '../../src/transport/http/mcp/routes.ts'
import { registerErrorHandlers } from '../../src/transport/http/problems.ts'
import { executeOver, noLimits, reportDefect } from './pipeline.ts'

export const CALLER: Caller = { kind: 'key', subject: 'key:test', role: 'admin', limitKey: 'test' }

export interface McpEndpoint {
  /** Address of `/mcp`. */
  url: string
  execute: Execute
  close(): Promise<void>
}

/**
 * `/mcp` over `services`, in this process; every request is of {@link CALLER}, unless it names another.
 *
 * @param verify what verifying a credential waits for.
 */
export async function openMcp(
  services: Services,
  verify: (request: FastifyRequest) => Promise<unknown> = async () => {},
): Promise<McpEndpoint> {
  const execute = executeOver(services)
  const app = fastify()
  app.decorateRequest('caller', undefined)
  app.decorateRequest('startedAt', 0)
  registerErrorHandlers(app, { observe: () => {}, reportDefect, publicUrl: undefined })
  const end = registerMcp(app, {
    execute,
    catalog: services.catalog,
    limiter: noLimits,
    async authenticate(request) {
      await verify(request)
      return { ...CALLER, limitKey: String(request.headers['x-caller'] ?? 'test') }
    },
    isStillValid: async () => true,
    reportError: () => {},
    reportDefect,
  })
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/mcp`
  const close = async () => {
    await end()
    await app.close()
  }
  onTestFinished(close)
  return { url, execute, close }
}
