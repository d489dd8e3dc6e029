/** What a turn of a conversation needs at least: a bare Fastify route that makes the SDK's streamed call and passes it on. */
import type { AddressInfo } from 'node:net'
import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import { fastify } from 'fastify'
import { TEXT } from './text.ts'

const client = new BedrockRuntimeClient({ maxAttempts: 1 })

const app = fastify()
app.post('/messages', async (request, reply) => {
  const { content } = request.body as { content: string }
  const { stream = [] } = await client.send(
    new ConverseStreamCommand({
      modelId: 'bench',
      system: [{ text: TEXT }],
      messages: [{ role: 'user', content: [{ text: content }] }],
      inferenceConfig: { maxTokens: 2_048 },
    }),
  )
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
  let said = ''
  for await (const { contentBlockDelta } of stream) {
    const text = contentBlockDelta?.delta?.text
    if (text === undefined) continue
    said += text
    reply.raw.write(`event: delta\ndata: ${JSON.stringify({ text })}\n\n`)
  }
  reply.raw.end(`event: result\ndata: ${JSON.stringify({ data: { message: { content: said } } })}\n\n`)
})
await app.listen({ port: 0, host: '127.0.0.1' })
process.stderr.write(`{"url":"http://127.0.0.1:${(app.server.address() as AddressInfo).port}"}\n`)
