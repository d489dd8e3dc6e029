import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { AtEnd } from './at-end.ts'

/**
 * A reverse proxy on a loopback port that adds the API key to every request and leaves the rest as it is, also
 * `Host` and `Origin`: for programs that cannot send a header of their own. Closed after the test, or when `atEnd` calls.
 *
 * @returns its address.
 */
export async function startKeyProxy(
  { url, key }: { url: string; key: string },
  atEnd: AtEnd = onTestFinished,
): Promise<string> {
  const { hostname, port } = new URL(url)
  const proxy = createServer((asked, answer) => {
    const headers = { ...asked.headers, 'x-api-key': key }
    const { method, url: path } = asked
    const forwarded = request({ hostname, port, method, path, headers, agent: false }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    })
    forwarded.on('error', () => answer.destroy())
    answer.on('close', () => forwarded.destroy())
    asked.pipe(forwarded)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}
