import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { PromptVersion } from '../../src/adapters/langfuse/format.ts'

export const LANGFUSE_KEYS = { LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-1' }
const AUTHORIZATION = `Basic ${Buffer.from('pk-lf-1:sk-lf-1').toString('base64')}`

export interface LangfuseServer {
  url: string
  /** Path and query of every request. */
  requests: string[]
}

/**
 * Langfuse's public API for reading prompts, as its reference documents it: pages of names with the labels of all
 * versions, and one version by name and label. Every other request finds it busy.
 */
export async function startLangfuse(versions: PromptVersion[]): Promise<LangfuseServer> {
  const requests: string[] = []
  let isBusy = false
  const server = createServer((request, response) => {
    const answer = (status: number, body: object, headers = {}) =>
      void response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body))
    if (request.headers.authorization !== AUTHORIZATION)
      return answer(401, { message: 'Invalid credentials' })
    isBusy = !isBusy
    if (isBusy) return answer(429, { message: 'Too many requests' }, { 'retry-after': '0' })
    requests.push(request.url ?? '')
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://langfuse')
    const [, encoded] = /^\/api\/public\/v2\/prompts(?:\/(.+))?$/.exec(pathname) ?? []
    if (encoded === undefined) return answer(200, pageOf(versions, searchParams))
    const label = searchParams.get('label') ?? 'production'
    const name = decodeURIComponent(encoded)
    const found = versions.find((version) => version.name === name && version.labels.includes(label))
    return found ? answer(200, found) : answer(404, { message: 'Prompt not found' })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** Two names a page, whatever is asked for, so that tests see several. */
function pageOf(versions: readonly PromptVersion[], query: URLSearchParams) {
  const size = 2
  const page = Number(query.get('page') ?? '1')
  const names = [...new Set(versions.map(({ name }) => name))]
  const data = names.slice((page - 1) * size, page * size).map((name) => {
    const all = versions.filter((version) => version.name === name)
    return { name, versions: all.map(({ version }) => version), labels: all.flatMap(({ labels }) => labels) }
  })
  const totalPages = Math.ceil(names.length / size)
  return { data, meta: { page, limit: size, totalItems: names.length, totalPages } }
}
