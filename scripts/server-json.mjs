/**
 * Writes `server.json`, by which the MCP registry and its clients find the package, from `package.json`. Its schema is
 * that of 2025-12-11. A path as argument is written to instead.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { settings } from './client-settings.mjs'

const { name, version, description, mcpName, repository } = JSON.parse(await readFile('package.json', 'utf8'))
const server = {
  $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
  name: mcpName,
  title: 'PurposePath prompts',
  description,
  repository: { url: repository.url.replace(/^git\+|\.git$/g, ''), source: 'github' },
  version,
  packages: [
    {
      registryType: 'npm',
      registryBaseUrl: 'https://registry.npmjs.org',
      identifier: name,
      version,
      runtimeHint: 'npx',
      transport: { type: 'stdio' },
      packageArguments: [{ type: 'positional', value: 'stdio' }],
      environmentVariables: settings.map(
        ({ variable, title, description, type, secret, default: standard }) => ({
          name: variable,
          description: `${title}: ${description}`,
          format: type === 'directory' ? 'filepath' : 'string',
          ...(secret && { isSecret: true }),
          ...(standard && { default: standard }),
        }),
      ),
    },
  ],
}
await writeFile(process.argv[2] ?? 'server.json', `${JSON.stringify(server, null, 2)}\n`)
