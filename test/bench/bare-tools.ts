/** The bare SDK over HTTP with the product's tools: `McpServer` as its documentation shows it. */
import { readFileSync } from 'node:fs'
import { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { listenBare } from './bare-listen.ts'

interface Tool {
  name: string
  title: string
  description: string
  inputSchema: z.core.JSONSchema.JSONSchema
  outputSchema: z.core.JSONSchema.JSONSchema
  annotations: object
}

const golden = readFileSync(new URL('../../test/golden/tools.json', import.meta.url), 'utf8')
const tools = (JSON.parse(golden) as Tool[]).map(({ inputSchema, outputSchema, ...tool }) => ({
  ...tool,
  inputSchema: z.fromJSONSchema(inputSchema) as z.ZodObject,
  outputSchema: z.fromJSONSchema(outputSchema) as z.ZodObject,
}))

listenBare(() => {
  const server = new McpServer({ name: 'bare', version: '1.0.0' })
  for (const { name, ...tool } of tools) {
    server.registerTool(name, tool, () => ({ content: [], structuredContent: {} }))
  }
  return server
})
