import { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { TEXT } from './text.ts'

/** What a reader of the SDK's documentation would write. */
export function bareServer(): McpServer {
  const server = new McpServer({ name: 'bare', version: '1.0.0' })
  for (let index = 0; index < 4; index++) {
    const argsSchema = z.object({ user_name: z.string() })
    server.registerPrompt(`topic_${index}`, { title: `Topic ${index}`, argsSchema }, ({ user_name }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: TEXT.replace('{{user_name}}', user_name) } }],
    }))
  }
  const inputSchema = z.object({ topic_id: z.string() })
  server.registerTool('get_prompts', { title: 'Get prompts', inputSchema }, ({ topic_id }) => {
    const data = { topic_id, prompts: { user: TEXT } }
    return { content: [{ type: 'text', text: JSON.stringify({ data }) }], structuredContent: { data } }
  })
  return server
}
