import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, it, onTestFinished } from 'vitest'
import { tempFolder } from './helpers/folders.ts'
import { environmentOf, PACKAGE_ROOT, startServer } from './helpers/program.ts'

it('both entries of mcp.config.example.json work as they stand', async () => {
  const text = await readFile(join(PACKAGE_ROOT, 'mcp.config.example.json'), 'utf8')
  // The port of the example may be in use here; clients put the variable's value in.
  const server = await startServer({ PROMPTS_DATA_DIR: await tempFolder() })
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own notation
  const filledIn = text.replace('${PROMPTS_API_KEY}', server.key).replace('http://127.0.0.1:3000', server.url)
  const { 'purposepath-prompts': stdio, 'purposepath-prompts-http': http } = JSON.parse(filledIn).mcpServers
  expect(text).toContain('http://127.0.0.1:3000/mcp')
  const env = environmentOf({ PROMPTS_DATA_DIR: await tempFolder() })
  const transports = [
    new StdioClientTransport({ ...stdio, cwd: PACKAGE_ROOT, env, stderr: 'ignore' }),
    new StreamableHTTPClientTransport(new URL(http.url), { requestInit: { headers: http.headers } }),
  ]
  for (const transport of transports) {
    const client = new Client({ name: 'test', version: '1.0.0' })
    await client.connect(transport)
    onTestFinished(() => client.close())
    expect((await client.listPrompts()).prompts).toHaveLength(6)
  }
})
