/**
 * Bundles the program into `dist/`: one small entry and chunks that load only when a command needs them; beside it the
 * function that rotates the API key in AWS.
 * A bundle starts about twice as fast as the same program read from node_modules file by file.
 * `dist/THIRD-PARTY-NOTICES` names what is in it: the package needs nothing else installed.
 * `dist/web/` is the admin page.
 * `dist/docs/` is the page at `/docs`, with all its assets: it works without any other server.
 */
import { readFileSync } from 'node:fs'
import { copyFile, cp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildAdminPage } from './admin-page.mjs'
import { noticesOf } from './notices.mjs'

/**
 * Of OpenTelemetry only what is used is bundled, a sixth of it: esbuild can tell in ES modules, while Node.js would load
 * the CommonJS of these packages.
 */
const opentelemetryModules = {
  name: 'opentelemetry-modules',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@opentelemetry\/[\w-]+$/ }, ({ path }) => {
      const root = join('node_modules', path)
      const { module } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
      return module && { path: resolve(root, module) }
    }),
}

await rm('dist', { recursive: true, force: true })
const common = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  chunkNames: 'chunks/[name]-[hash]',
  // The SDK's JSON Schema validator for Node is a quarter of what a start would load, and checks only answers to
  // questions (elicitation) that this server never asks: take the small one.
  alias: {
    '@modelcontextprotocol/server/_shims':
      './node_modules/@modelcontextprotocol/server/dist/shimsBrowser.mjs',
    // Its main file loads its parts in a way that no bundler follows.
    'jsonc-parser': './node_modules/jsonc-parser/lib/esm/main.js',
  },
  // The AWS clients tell every user at every start which Node.js their next versions want: that is for us to know.
  define: { 'process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED': '"true"' },
  legalComments: 'none',
  // Half the bytes is less to read and to compile at every start; names stay readable in stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  plugins: [opentelemetryModules],
  // CommonJS dependencies call `require` for Node's own modules; an ES module has none unless it makes one.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
}
const program = await build({ ...common, entryPoints: { main: 'src/main.ts' }, splitting: true })
// The function that rotates the API key is deployed alone: all of it in one file. No package.json beside it says that it
// is an ES module, so its name must.
const rotation = await build({
  ...common,
  entryPoints: { 'rotation-lambda': 'src/lambda/rotation.ts' },
  outExtension: { '.js': '.mjs' },
})

const pageModules = await buildAdminPage()

await cp('src/transport/http/openapi/page', 'dist/docs', { recursive: true })
const swaggerUi = import.meta.resolve('@fastify/swagger-ui/package.json')
for (const asset of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
  await copyFile(new URL(`static/${asset}`, swaggerUi), `dist/docs/${asset}`)
}

const copied = [fileURLToPath(new URL('.', swaggerUi))]
// @fastify/swagger-ui carries these files of another project, without its licence.
const others = [
  { title: 'swagger-ui (Apache-2.0)', text: 'Copyright SmartBear Software Inc. Licence: Apache-2.0' },
]
await writeFile(
  'dist/THIRD-PARTY-NOTICES',
  await noticesOf([...inputsOf(program), ...inputsOf(rotation), ...pageModules], copied, others),
)

/** The files that a bundle is made of. */
function inputsOf({ metafile }) {
  return Object.keys(metafile.inputs)
}
