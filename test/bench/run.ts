/**
 * Prints what the product costs as ratios, measured side by side in one run (absolute times depend on the
 * machine). CPU is the server process's own, by the operating system's account. Linux only.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { environmentOf, PROGRAM, runProgram } from '../helpers/program.ts'
import { writeTopics } from './data.ts'
import { fire, legacyShot, modernShot, type Shot } from './load.ts'
import { benchScript, type Subject, startSubject } from './processes.ts'
import { firstListSeconds } from './startup.ts'

const REQUESTS = 3_000
const ROUNDS = 5
const STARTS = 12

const folder = await mkdtemp(join(tmpdir(), 'purposepath-bench-'))
const stopped: (() => Promise<void>)[] = []
try {
  await buildBench()
  await printHttp()
  await printStdio()
} finally {
  for (const stop of stopped) await stop()
  await rm(folder, { recursive: true, force: true })
}

/** Strips the types only, so that the SDK stays unbundled, as its users run it. */
async function buildBench(): Promise<void> {
  const scripts = ['bare-http', 'bare-stdio', 'raw-http']
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

async function printHttp(): Promise<void> {
  const raw = await start('raw', [benchScript('raw-http')])
  const bare = await start('bare', [benchScript('bare-http')])
  const products = new Map<number, { subject: Subject; key: string }>()
  for (const topics of [10, 1_000, 10_000]) products.set(topics, await startProduct(topics))

  for (const [era, shotOf] of [
    ['2026-07-28', modernShot],
    ['2025-11-25', legacyShot],
  ] as const) {
    const shots: [Subject, Shot][] = [
      [raw, shotOf(raw.url, 'topic_0', '')],
      [bare, shotOf(bare.url, 'topic_0', '')],
      ...[...products.values()].map(({ subject, key }): [Subject, Shot] => [
        subject,
        shotOf(subject.url, 'topic_0', key),
      ]),
    ]
    const cpu = await cpuPerRequest(shots)
    const of = (topics: number) => cpu.get((products.get(topics) as { subject: Subject }).subject) as number
    const floor = cpu.get(raw) as number
    const sdk = cpu.get(bare) as number
    print(`prompts/get over HTTP, revision ${era}`)
    print(`  CPU, bare SDK ÷ raw node:http                  ${ratio(sdk, floor)}`)
    print(`  CPU, 1,000 topics ÷ raw node:http              ${ratio(of(1_000), floor)}`)
    print(`  CPU, 1,000 topics ÷ bare SDK with 4 prompts    ${ratio(of(1_000), sdk)}   (must ≤ 1.0, aim 0.5)`)
    print(
      `  CPU, 10,000 topics ÷ 10 topics                 ${ratio(of(10_000), of(10))}   (must ≤ 1.15, aim 1.05)`,
    )
  }
  const { subject } = products.get(10_000) as { subject: Subject }
  print(
    `memory with 10,000 topics of 2 KB after the load  ${subject.residentMb().toFixed(0)} MB   (must < 250, aim 150)`,
  )
}

async function start(name: string, args: string[], settings = {}): Promise<Subject> {
  const subject = await startSubject(name, args, settings)
  stopped.push(subject.stop)
  return subject
}

async function startProduct(topics: number): Promise<{ subject: Subject; key: string }> {
  const dataDir = join(folder, String(topics))
  writeTopics(dataDir, topics)
  const settings = { PROMPTS_DATA_DIR: dataDir, PROMPTS_PORT: '0', PROMPTS_LIMIT_RETRIEVAL: '100000000' }
  const { stdout } = await runProgram(['keys', 'create', '--name', 'bench'], settings)
  return { subject: await start(`${topics} topics`, [PROGRAM, 'serve'], settings), key: stdout.trim() }
}

/** Median over rounds in which every subject takes its turn, after one round to warm up. */
async function cpuPerRequest(shots: readonly [Subject, Shot][]): Promise<Map<Subject, number>> {
  const samples = new Map(shots.map(([subject]) => [subject, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [subject, shot] of shots) {
      const before = subject.cpuSeconds()
      await fire(shot, REQUESTS)
      if (round > 0) samples.get(subject)?.push((subject.cpuSeconds() - before) / REQUESTS)
    }
  }
  return new Map([...samples].map(([subject, values]) => [subject, median(values)]))
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
  print(
    `  time, product ÷ bare SDK (unbundled)           ${ratio(median(product), median(bare))}   (must ≤ 1.0, aim 0.7)`,
  )
  print(
    `  product ${(median(product) * 1000).toFixed(0)} ms, bare SDK ${(median(bare) * 1000).toFixed(0)} ms on this machine`,
  )
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

function ratio(a: number, b: number): string {
  return (a / b).toFixed(2).padStart(6)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
