import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/stand-ins/global-setup.ts',
    // What the AWS clients say about Node.js at every start is not about these tests.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // Real processes, real files, real sockets: a slow machine must not make them fail.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ['default', './test/helpers/count-reporter.ts'],
  },
})
