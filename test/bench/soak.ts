/**
 * `npm run soak [MINUTES]`: two instances on one data folder behind HAProxy, with the configuration of docs/proxies.md,
 * under mixed load at 70 % of what they can carry. One instance is killed and started again, the other one restarted.
 * Prints the figures, and fails when a request failed that repeating did not mend. Linux only; needs HAProxy.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GENEROUS, tokenOf } from '../helpers/api.ts'
import { type Environment, PROGRAM, runProgram } from '../helpers/program.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { PROXIES, settingsBehindProxy, startProxy } from '../stand-ins/proxies.ts'
import { freePort } from '../stand-ins/tied-server.ts'
import { writeTopics } from './data.ts'
import { print } from './figures.ts'
import { type Subject, settled, startSubject, times } from './processes.ts'
import { type Life, printLatencies, printMemory } from './soak-figures.ts'
import { capacity, sendAtRate } from './soak-load.ts'
import { mixedLoad, TOPICS } from './soak-mix.ts'

const SHARE = 0.7
const WARM_UP_SECONDS = 30
const CAPACITY_SECONDS = 30
/** When the instances are disturbed, as shares of the whole, and how long a killed one is away. */
const KILL_AT = 1 / 3
const RESTART_AT = 2 / 3
const AWAY_MS = 5_000
const SAMPLE_MS = 2_000

// The proxy's certificate is its own.
process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
const seconds = Number(process.argv[2] ?? 10) * 60
const folder = await mkdtemp(join(tmpdir(), 'purposepath-soak-'))
const toStop: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
try {
  await soak()
} finally {
  for (const stop of toStop.reverse()) await stop()
}

async function soak(): Promise<void> {
  const model = await startOpenAi()
  toStop.push(model.stop)
  const [port, ...ports] = (await times(3, freePort)) as [number, number, number]
  const behindProxy = settingsBehindProxy(port)
  const settings: Environment = {
    ...GENEROUS,
    ...behindProxy,
    PROMPTS_DATA_DIR: join(folder, 'data'),
    PROMPTS_LLM: 'openai',
    PROMPTS_LLM_BASE_URL: model.baseUrl,
    PROMPTS_LLM_MODEL: 'stand-in',
  }
  writeTopics(join(folder, 'data'), TOPICS)
  const { stdout } = await runProgram(['keys', 'create', '--name', 'soak'], settings)
  const credentials = { key: stdout.trim(), token: await tokenOf(settings) }

  const lives: Life[] = []
  const running: Subject[] = []
  const startInstance = async (index: number) => {
    const name = ['a', 'b'][index] as string
    const subject = await startSubject(name, [PROGRAM, 'serve'], {
      ...settings,
      PROMPTS_PORT: `${ports[index]}`,
    })
    running[index] = subject
    lives.push({ name, subject, samples: [] })
  }
  toStop.push(() => Promise.all(running.map(({ stop }) => stop())))
  for (const index of [0, 1]) await startInstance(index)
  await Promise.all(running.map(settled))
  const upstreams = running.map(({ url }) => url)
  await mkdir(join(folder, 'proxy'))
  const proxy = await startProxy(PROXIES.HAProxy, { folder: join(folder, 'proxy'), port, upstreams })
  toStop.push(proxy.stop)

  const kinds = mixedLoad(behindProxy.PROMPTS_PUBLIC_URL, credentials)
  await capacity(kinds, WARM_UP_SECONDS)
  const most = await capacity(kinds, CAPACITY_SECONDS)
  const rate = most * SHARE
  print(
    `${rate.toFixed(0)} requests a second, ${SHARE * 100} % of the ${most.toFixed(0)} that two instances, HAProxy, the model's stand-in and the clients carry together on ${availableParallelism()} cores; for ${seconds / 60} minutes`,
  )

  const startedAt = performance.now()
  const now = () => (performance.now() - startedAt) / 1_000
  const loads: number[] = []
  const sampling = setInterval(() => {
    loads.push(loadavg()[0] as number)
    for (const { subject, samples } of lives) {
      if (running.includes(subject)) samples.push({ at: now(), mb: subject.residentMb() })
    }
  }, SAMPLE_MS)
  const disturb = async () => {
    await sleep(seconds * KILL_AT * 1_000)
    await replace(0, 'SIGKILL', AWAY_MS)
    await sleep(seconds * (RESTART_AT - KILL_AT) * 1_000)
    await replace(1, 'SIGTERM', 0)
  }
  const replace = async (index: number, signal: NodeJS.Signals, awayMs: number) => {
    const { process: child } = running[index] as Subject
    delete running[index]
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill(signal)
    await ended
    await sleep(awayMs)
    await startInstance(index)
  }
  const [ended] = await Promise.all([sendAtRate(kinds, rate, seconds), disturb()])
  clearInterval(sampling)

  print(`load average of the machine: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`)
  printLatencies(
    ended,
    [KILL_AT, RESTART_AT].map((share) => share * seconds),
  )
  printMemory(lives)
  const failed = ended.filter(({ fault }) => fault !== undefined)
  for (const { kind, due, fault } of failed.slice(0, 10))
    print(`failed after ${due.toFixed(1)} s: ${kind}: ${fault}`)
  print(`requests that failed and could not be repeated  ${failed.length}   (must 0)`)
  if (failed.length > 0) process.exitCode = 1
}
