import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** Builds the admin page into `dist/web/`; `npx vite src/web` serves it while it is being written. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // A proxy may put a path before all addresses.
  base: './',
  // The server puts the nonce of each answer in its place.
  html: { cspNonce: 'CSP_NONCE' },
  resolve: {
    // React's interface at a fifth of its size. Without this line the page runs on React itself.
    alias: {
      'react-dom': 'preact/compat',
      'react/jsx-runtime': 'preact/jsx-runtime',
      react: 'preact/compat',
    },
  },
  build: {
    outDir: fileURLToPath(new URL('../../dist/web', import.meta.url)),
    emptyOutDir: true,
    // An image inside a style sheet would be a `data:` address, which the page's policy forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // What the list needs comes in one file: on a slow machine, each further one takes longer than what is in it.
      output: { codeSplitting: { groups: [{ name: 'page', tags: ['$initial'] }] } },
      // Libraries mark files for a kind of server that this page does not have.
      onLog: (level, log, report) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && report(level, log),
    },
  },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:3000', changeOrigin: true } } },
})
