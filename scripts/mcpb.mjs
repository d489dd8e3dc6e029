/**
 * Packs the built program as an MCP bundle, which desktop clients install with a double click: `dist/` and `seeds/` with
 * a manifest (0.3) made from `package.json`. Writes `purposepath-prompts.mcpb`, or the path given as argument.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { packExtension, validateManifest } from '@anthropic-ai/mcpb'
import { settings } from './client-settings.mjs'

const outputPath = resolve(process.argv[2] ?? 'purposepath-prompts.mcpb')
const { name, version, description, license, engines, homepage, keywords, repository } = JSON.parse(
  await readFile('package.json', 'utf8'),
)
const fieldOf = (variable) => variable.toLowerCase()

const manifest = {
  manifest_version: '0.3',
  name,
  display_name: 'PurposePath prompts',
  version,
  description,
  author: { name: 'PurposePath' },
  license,
  keywords,
  homepage,
  repository: { type: repository.type, url: repository.url.replace(/^git\+/, '') },
  server: {
    type: 'node',
    entry_point: 'dist/main.js',
    mcp_config: {
      command: 'node',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the manifest's own notation
      args: ['${__dirname}/dist/main.js', 'stdio'],
      env: Object.fromEntries(
        settings.map(({ variable }) => [variable, `\${user_config.${fieldOf(variable)}}`]),
      ),
    },
  },
  prompts_generated: true,
  tools_generated: true,
  user_config: Object.fromEntries(
    settings.map(({ variable, title, description, type, secret, default: standard }) => [
      fieldOf(variable),
      {
        type,
        title,
        description,
        required: false,
        ...(secret && { sensitive: true }),
        // A setting left empty counts as unset; without a default its variable would stay in the command.
        default: standard ?? '',
      },
    ]),
  ),
  compatibility: { platforms: ['darwin', 'win32', 'linux'], runtimes: { node: engines.node } },
}

const folder = await mkdtemp(join(tmpdir(), 'mcpb-'))
try {
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 2))
  for (const part of ['dist', 'seeds', 'package.json', 'LICENSE']) {
    // Source maps are most of the size and of no use there.
    await cp(part, join(folder, part), { recursive: true, filter: (file) => !file.endsWith('.map') })
  }
  const isPacked =
    validateManifest(join(folder, 'manifest.json')) &&
    (await packExtension({ extensionPath: folder, outputPath, silent: true }))
  if (!isPacked) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
