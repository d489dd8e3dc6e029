/** Bare Fastify: a route that answers the JSON of the product's, with no credential, limit, audit or ETag. */
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { TEXT } from './text.ts'

const app = fastify()
app.get<{ Params: { topic_id: string } }>('/api/v1/prompts/:topic_id', ({ params: { topic_id } }) => ({
  data: { topic_id, prompts: { user: TEXT } },
  meta: { revision: 1 },
}))
await app.listen({ port: 0, host: '127.0.0.1' })
process.stderr.write(`{"url":"http://127.0.0.1:${(app.server.address() as AddressInfo).port}"}\n`)
