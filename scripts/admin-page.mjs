import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { compressAssets } from './compress.mjs'

const CONFIG = fileURLToPath(new URL('../src/web/vite.config.ts', import.meta.url))

/**
 * Builds the admin page into `dist/web/`.
 *
 * @returns {Promise<string[]>} the files that it is made of.
 */
export async function buildAdminPage() {
  const { output } = await build({ configFile: CONFIG, logLevel: 'warn' })
  await compressAssets('dist/web/assets')
  return output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
}
