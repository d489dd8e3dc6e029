/** What an analysis needs at least: a bare Fastify route that makes the SDK's call and answers the tool's input. */
import type { AddressInfo } from 'node:net'
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime'
import { fastify } from 'fastify'
import { TEXT } from './text.ts'

const client = new BedrockRuntimeClient({ maxAttempts: 1 })
const schema = {
  type: 'object',
  properties: {
    analysis: { type: 'string' },
    recommendations: { type: 'array', items: { type: 'string' } },
    severity: { type: 'string', enum: ['info', 'warning', 'critical'] },
  },
  required: ['analysis', 'recommendations', 'severity'],
}

const app = fastify()
app.post('/analyze', async () => {
  const { output } = await client.send(
    new ConverseCommand({
      modelId: 'bench',
      messages: [{ role: 'user', content: [{ text: TEXT }] }],
      inferenceConfig: { maxTokens: 2_048 },
      toolConfig: {
        tools: [
          { toolSpec: { name: 'give_analysis', description: 'Gives it.', inputSchema: { json: schema } } },
        ],
        toolChoice: { tool: { name: 'give_analysis' } },
      },
    }),
  )
  return { data: output?.message?.content?.[0]?.toolUse?.input }
})
await app.listen({ port: 0, host: '127.0.0.1' })
process.stderr.write(`{"url":"http://127.0.0.1:${(app.server.address() as AddressInfo).port}"}\n`)
