import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { type RealParts, startRealParts } from './real-parts.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers with the endpoints of the real parts. */
    realPartsUrl: string
  }
}

/**
 * Keeps the real parts for a whole run of tests: whichever file asks first has them started, and all others get the
 * same ones. They end with the run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let parts: Promise<RealParts> | undefined
  const server = createServer(async (_, answer) => {
    parts ??= startRealParts()
    try {
      answer.end(JSON.stringify(await parts))
    } catch (error) {
      answer.writeHead(500).end(`${error}`)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('realPartsUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await parts?.then(({ stop }) => stop()).catch(() => {})
  }
}
