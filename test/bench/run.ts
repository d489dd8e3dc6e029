/**
 * Prints what the product costs as ratios, measured side by side in one run (absolute times depend on the
 * machine). CPU is the server process's own, by the scheduler's account. Linux only.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Environment, environmentOf, PROGRAM, runProgram } from '../helpers/program.ts'
import { printAnalysis } from './analysis.ts'
import { AWS_INSTANCES, printAws } from './aws.ts'
import { printConversation } from './conversation.ts'
import { writeTopics } from './data.ts'
import { cpuPerRequest, median, print, ratio } from './figures.ts'
import { printListeners } from './listeners.ts'
import { keyHeader, restShot, send, tokenHeader, topicShot } from './load.ts'
import { printMcp } from './mcp.ts'
import { printPage } from './page.ts'
import { benchScript, type Product, type Subject, settled, startSubject, times } from './processes.ts'
import { printScaling } from './scaling.ts'
import { firstListSeconds } from './startup.ts'
import { printTelemetry } from './telemetry.ts'

const STARTS = 12
const EDITS = 200
/** Of a program that is compared closely: no two starts of the same one are equally fast, for as long as they run. */
const INSTANCES = 6
/** Of a cheap request, in a round, to each of {@link INSTANCES}. */
const SHARED_REQUESTS = 750

/** What is printed: all, or those named on the command line (`npm run bench -- rest aws`). */
const SECTIONS: Record<string, () => Promise<void>> = {
  mcp: () => printMcp({ start, startProduct }),
  listeners: () => printListeners({ start, startProduct }),
  rest: printRest,
  stdio: printStdio,
  analysis: () =>
    printAnalysis(
      {
        startBare: (settings) => start('bare', [benchScript('bare-analysis')], settings),
        startProduct: (settings) => startProduct(10, settings),
      },
      (stop) => toStop.push(stop),
    ),
  conversation: () => printConversation({ start, startProduct }, (stop) => toStop.push(stop)),
  telemetry: () => printTelemetry({ start, startProduct }, (stop) => toStop.push(stop)),
  scaling: () => printScaling({ start, startProduct }, (stop) => toStop.push(stop)),
  aws: async () =>
    printAws(await times(AWS_INSTANCES, () => startProduct(1_000)), (stop) => toStop.push(stop)),
  page: () => printPage({ startProduct }),
}
const chosen = process.argv.slice(2)

const folder = await mkdtemp(join(tmpdir(), 'purposepath-bench-'))
const toStop: (() => Promise<void>)[] = []
try {
  await buildBench()
  for (const name of chosen.length > 0 ? chosen : Object.keys(SECTIONS)) await printSection(name)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Leaves nothing running that would take part in the next section. */
async function printSection(name: string): Promise<void> {
  try {
    await SECTIONS[name]?.()
  } finally {
    for (const stop of toStop.splice(0)) await stop()
  }
}

/** Strips the types only, so that the SDK stays unbundled, as its users run it. */
async function buildBench(): Promise<void> {
  const scripts = [
    'bare-analysis',
    'bare-http',
    'bare-rest',
    'bare-stdio',
    'bare-tools',
    'bare-turn',
    'raw-http',
  ]
  await build({
    entryPoints: scripts.map((name) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))),
    outdir: fileURLToPath(new URL('../../node_modules/.bench', import.meta.url)),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
}

async function start(name: string, args: string[], settings = {}): Promise<Subject> {
  const subject = await startSubject(name, args, settings)
  toStop.push(subject.stop)
  return subject
}

async function startProduct(topics: number, more: Environment = {}): Promise<Product> {
  const dataDir = join(folder, String(topics))
  if (!existsSync(dataDir)) writeTopics(dataDir, topics)
  const most = '100000000'
  const limits = {
    PROMPTS_LIMIT_RETRIEVAL: most,
    PROMPTS_LIMIT_BATCH: most,
    PROMPTS_LIMIT_ADMIN: most,
    PROMPTS_LIMIT_ANALYSIS: most,
  }
  const settings = { PROMPTS_DATA_DIR: dataDir, PROMPTS_PORT: '0', ...limits, ...more }
  const key = await runProgram(['keys', 'create', '--name', 'bench'], settings)
  const token = await runProgram(['token', '--ttl', '1d'], settings)
  const subject = await start(`${topics} topics`, [PROGRAM, 'serve'], settings)
  await settled(subject)
  return { subject, key: key.stdout.trim(), token: token.stdout.trim(), settings }
}

async function printRest(): Promise<void> {
  const bare = await times(INSTANCES, () => start('bare', [benchScript('bare-rest')]))
  const byKey = await times(INSTANCES, () => startProduct(1_000))
  const byToken = await times(INSTANCES, () => startProduct(1_000))
  const [{ subject, key, token }] = byKey as [Product]

  const [floor, withKey, withToken] = await cpuPerRequest(
    [
      bare.map((subject) => [subject, topicShot(subject.url, keyHeader(key))]),
      byKey.map(({ subject, key }) => [subject, topicShot(subject.url, keyHeader(key))]),
      byToken.map(({ subject, token }) => [subject, topicShot(subject.url, tokenHeader(token))]),
    ],
    { requests: SHARED_REQUESTS },
  )
  print('REST with key, limit and audit, 1,000 topics')
  print(`  CPU, GET of a topic ÷ bare Fastify             ${ratio(withKey, floor)}   (must ≤ 1.3, aim 1.1)`)
  const api = `${subject.url}/api/v1`
  const topic_ids = Array.from({ length: 100 }, (_, index) => `topic_${index}`)
  const [batch, single] = await cpuPerRequest([
    [[subject, restShot('POST', `${api}/prompts/batch`, keyHeader(key), 'topic_99', { topic_ids })]],
    [[subject, topicShot(subject.url, keyHeader(key))]],
  ])
  print(`  CPU, batch of 100 ÷ GET of one                 ${ratio(batch, single)}   (must ≤ 25, aim 10)`)
  print(
    `  CPU, by token (HS256) ÷ by key                 ${ratio(withToken, withKey)}   (must ≤ 1.3, aim 1.1)`,
  )
  print(
    `  PUT of a prompt, p50, on disk (fsync) when answered  ${(await putMilliseconds(api, tokenHeader(token))).toFixed(1)} ms`,
  )
}

/** Median time of one edit after the other, until its acknowledgement. */
async function putMilliseconds(api: string, credential: Record<string, string>): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  for (let index = 0; index < EDITS; index++) {
    const content = `Hello {{user_name}}, for the ${index}th time.`
    const startedAt = performance.now()
    await send(agent, restShot('PUT', `${api}/admin/prompts/topic_1/user`, credential, '', { content }))
    times.push(performance.now() - startedAt)
  }
  agent.destroy()
  return median(times)
}

async function printStdio(): Promise<void> {
  const env = environmentOf({ PROMPTS_DATA_DIR: join(folder, 'stdio') })
  const bare: number[] = []
  const product: number[] = []
  for (let index = 0; index <= STARTS; index++) {
    const first = await firstListSeconds([benchScript('bare-stdio')], env)
    const second = await firstListSeconds([PROGRAM, 'stdio'], env)
    if (index === 0) continue
    bare.push(first)
    product.push(second)
  }
  print('stdio, spawn to first prompts/list')
  print(`  time, product ÷ bare SDK (unbundled)           ${ratio(product, bare)}   (must ≤ 1.0, aim 0.7)`)
  print(
    `  product ${(median(product) * 1000).toFixed(0)} ms, bare SDK ${(median(bare) * 1000).toFixed(0)} ms on this machine`,
  )
}
