import { defineConfig } from 'vitest/config'

/**
 * Tests against real databases, browsers, killed processes and slow clients, and those that wait for a minute of the
 * clock to begin: minutes may pass before they are wrong.
 */
const REAL_PARTS = [
  'test/adapters/{aws,dynamodb,secrets-manager}/**/*.test.ts',
  'test/adapters/files/{crash,two-processes}.test.ts',
  'test/adapters/conversations-crash.test.ts',
  'test/cli/{keys-aws,doctor-aws,provision}.test.ts',
  'test/conformance.test.ts',
  'test/{deploy,deployment,stand-ins}/**/*.test.ts',
  'test/transport/aws/**/*.test.ts',
  'test/transport/canaries.test.ts',
  'test/transport/http/{refusals,refused-bodies,server,slow-clients,slow-readers}.test.ts',
  'test/transport/http/identity/{issuer-sign-in,sign-in,throttling}.test.ts',
  'test/transport/http/rest/{edits-*,limits}.test.ts',
  'test/web/**/*.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: './test/stand-ins/global-setup.ts',
    // What the AWS clients say about Node.js at every start is not about these tests.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One more than the two processors of the least machine: much of a test is waiting for a clock or a killed process.
    maxWorkers: 3,
    // Files of a worker share their modules: to load them anew for each file took a third of all the time. A file that
    // changes what is global puts it back.
    isolate: false,
    reporters: ['default', './test/helpers/count-reporter.ts'],
    projects: [
      {
        extends: true,
        // Projects start in the order of their names: the long files before the quick ones, which fill the end.
        test: { name: 'long', include: REAL_PARTS, testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: REAL_PARTS,
          testTimeout: 15_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
})
