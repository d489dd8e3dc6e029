import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { auditLog } from '../../src/adapters/telemetry/audit.ts'
import { createLog } from '../../src/adapters/telemetry/log.ts'
import { callEvent } from '../helpers/call-events.ts'
import { PROGRAM } from '../helpers/program.ts'
import { topicContent, topicRecord } from '../helpers/topics.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { cpuPerRequest, median, print } from './figures.ts'
import { keyHeader, restShot, send } from './load.ts'
import { type Product, type Starter, startSubject } from './processes.ts'
import { type Measured, type Plan, plan, topicsWhereScansCostAsMuch } from './scaling-model.ts'
import { TOPICS as MIXED, mixedLoad } from './soak-mix.ts'
import { TEXT } from './text.ts'

const FEW = 1_000
const MANY = 10_000
const STARTS = 3
const LOAD = { requests: 200, rounds: 6 }
const RECORDS = 20_000
const RATES = [10, 1_000, 100_000]
const TOPICS = [10_000, 1_000_000]

/** What can be measured on one machine, and what follows from it for many: docs/scaling.md shows it. */
export async function printScaling(
  { startProduct }: Starter,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<void> {
  const model = await startOpenAi()
  atEnd(model.stop)
  const settings = {
    PROMPTS_LLM: 'openai',
    PROMPTS_LLM_BASE_URL: model.baseUrl,
    PROMPTS_LLM_MODEL: 'stand-in',
  }
  print('measured on this machine')
  const small = await sizeOf(await startProduct(FEW, settings), FEW)
  const large = await sizeOf(await startProduct(MANY, settings), MANY)
  const topics = large.count - small.count
  const bytesPerTopic = ((large.recordsMb - small.recordsMb) * 1024 ** 2) / topics
  const secondsPerTopic = (large.startSeconds - small.startSeconds) / topics
  const measured: Measured = {
    cpuSeconds: await mixedSeconds(await startProduct(MIXED, settings)),
    logBytes: auditBytes(),
    bytesPerTopic,
    baseMb: small.recordsMb - (bytesPerTopic * small.count) / 1024 ** 2 + TEXT_CACHE_MB,
    secondsPerTopic,
    startSeconds: small.startSeconds - secondsPerTopic * small.count,
  }
  const microseconds = (secondsPerTopic * 1e6).toFixed(0)
  printFigure('a topic adds', `${bytesPerTopic.toFixed(0)} bytes, ${microseconds} µs of CPU to a start`)
  printFigure('a request adds to the audit log', `${measured.logBytes} bytes`)
  const ofEntry = `${heapBytes(entry).toFixed(0)} bytes`
  printFigure(
    'a record in memory',
    `${heapBytes(record).toFixed(0)} bytes; what a list needs of it ${ofEntry}`,
  )
  print('computed from it, for a month in USD (test/bench/scaling-model.ts)')
  print(HEAD)
  for (const rate of RATES) for (const count of TOPICS) print(row(plan(rate, count, measured)))
  print(
    `scans cost as much as an instance's processor from ${thousands(topicsWhereScansCostAsMuch())} topics on`,
  )
}

/** Most memory that texts take: see `src/services/catalog/text-cache.ts`. */
const TEXT_CACHE_MB = 64

interface Size {
  count: number
  /** Memory but for that of texts. */
  recordsMb: number
  startSeconds: number
}

/** Of a second start, which finds the folder as the first one has left it. */
async function sizeOf({ subject, key, settings }: Product, count: number): Promise<Size> {
  const mb = subject.residentMb()
  const metrics = await send(undefined, restShot('GET', `${subject.url}/metrics`, keyHeader(key), ''))
  const textMb = Number(/^prompts_text_cache_bytes (\S+)$/m.exec(metrics)?.[1]) / 1024 ** 2
  const starts: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const again = await startSubject('again', [PROGRAM, 'serve'], settings)
    starts.push(again.cpuSeconds())
    await again.stop()
  }
  const startSeconds = median(starts)
  const memory = `${mb.toFixed(0)} MB, ${textMb.toFixed(0)} MB of it texts`
  printFigure(`${thousands(count)} topics`, `${memory}; start ${startSeconds.toFixed(2)} s of CPU`)
  return { count, recordsMb: mb - textMb, startSeconds }
}

/** CPU seconds of a request of the mixed load; of each kind they are printed. */
async function mixedSeconds({ subject, key, token }: Product): Promise<number> {
  const kinds = mixedLoad(subject.url, { key, token })
  const samples = await cpuPerRequest(
    kinds.map(({ make }) => [[subject, Array.from({ length: LOAD.requests }, make)]]),
    LOAD,
  )
  let mixed = 0
  for (const [index, { name, share }] of kinds.entries()) {
    const seconds = median(samples[index] as number[])
    mixed += (seconds * share) / 100
    printFigure(name, `${milliseconds(seconds)} of CPU, ${share} % of the load`)
  }
  printFigure('a request of the mixed load', `${milliseconds(mixed)} of CPU`)
  return mixed
}

function auditBytes(): number {
  let bytes = 0
  const write = (line: string) => {
    bytes += Buffer.byteLength(line)
  }
  const log = createLog('info', { write })
  const event = callEvent({ caller: 'key:9f2c41d07a52 (backend)', topic_id: 'topic_1000', role: 'service' })
  auditLog(log)({ ...event, requestId: '0123456789abcdef-100000' })
  return bytes
}

/** Bytes of the heap that each of what `make` makes takes. */
function heapBytes(make: (index: number) => unknown): number {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: RECORDS }, (_, index) => make(index))
  collectGarbage()
  return (process.memoryUsage().heapUsed - before) / kept.length
}

/** As a store reads it. */
function record(index: number): unknown {
  const parameter = {
    name: 'user_name',
    type: 'string' as const,
    required: true,
    description: 'Who is greeted.',
  }
  return JSON.parse(
    JSON.stringify(topicRecord(topicContent(`topic_${index}`, { user: TEXT }, [parameter]), 1)),
  )
}

function entry(index: number): unknown {
  const { topic_id, topic_name, topic_type, category, display_order, is_active, revision } = record(
    index,
  ) as ReturnType<typeof topicRecord>
  return { topic_id, topic_name, topic_type, category, display_order, is_active, revision }
}

const HEAD = `
| requests a second | topics | instances | p50, p99 in the server | start | reads and writes a second | compute | DynamoDB | audit log |
|---|---|---|---|---|---|---|---|---|`

function row(of: Plan): string {
  const cells = [
    thousands(of.rate),
    thousands(of.topics),
    `${thousands(of.instances)} of 1 vCPU, ${of.gb} GB`,
    `${of.p50.toFixed(1)}, ${of.p99.toFixed(1)} ms`,
    `${of.startSeconds.toFixed(1)} s`,
    `${thousands(of.feed + of.scans)}, ${thousands(of.writes)}`,
    ...[of.compute, of.dynamodb, of.logs].map((dollars) => `$${thousands(dollars)}`),
  ]
  return `| ${cells.join(' | ')} |`
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(2)} ms`
}

function printFigure(name: string, figure: string): void {
  print(`  ${name.padEnd(34)} ${figure}`)
}
