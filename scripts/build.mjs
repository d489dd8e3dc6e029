/**
 * Bundles the program into `dist/`: one small entry and chunks that load only when a command needs them.
 * A bundle starts about twice as fast as the same program read from node_modules file by file.
 */
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

await rm('dist', { recursive: true, force: true })
await build({
  entryPoints: { main: 'src/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  // CommonJS dependencies call `require` for Node's own modules; an ES module has none unless it makes one.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
