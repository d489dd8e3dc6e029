/**
 * `npm run soak [MINUTES]`: two instances on one data folder behind HAProxy, with the configuration of docs/proxies.md,
 * under mixed load at 70 % of what they can carry. One instance is killed and started again, the other one restarted.
 * Prints the figures, and fails when a request failed, and failed again when it was repeated. Linux only; needs HAProxy.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GENEROUS, tokenOf } from '../helpers/api.ts'
import { type Environment, runProgram } from '../helpers/program.ts'
import { startOpenAi } from '../stand-ins/openai.ts'
import { PROXIES, settingsBehindProxy, startProxy } from '../stand-ins/proxies.ts'
import { freePort } from '../stand-ins/tied-server.ts'
import { writeTopics } from './data.ts'
import { print } from './figures.ts'
import { printLatencies, printMemory } from './soak-figures.ts'
import { type Instances, startInstances } from './soak-instances.ts'
import { capacity, sendAtRate } from './soak-load.ts'
import { type Kind, mixedLoad, TOPICS } from './soak-mix.ts'

const SHARE = 0.7
const WARM_UP_SECONDS = 30
const CAPACITY_SECONDS = 30
/** When the instances are disturbed, as shares of the whole, and how long a killed one is away. */
const KILL_AT = 1 / 3
const RESTART_AT = 2 / 3
const AWAY_MS = 5_000
const WEIGH_MS = 2_000

// The proxy's certificate is its own.
process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
const seconds = Number(process.argv[2] ?? 10) * 60
const folder = await mkdtemp(join(tmpdir(), 'purposepath-soak-'))
const toStop: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
try {
  await soak(await arrange())
} finally {
  for (const stop of toStop.reverse()) await stop()
}

/** Two instances, a proxy before them and a model behind them. */
async function arrange(): Promise<{ instances: Instances; kinds: Kind[] }> {
  const model = await startOpenAi()
  toStop.push(model.stop)
  const port = await freePort()
  const behindProxy = settingsBehindProxy(port)
  const data = join(folder, 'data')
  const settings: Environment = {
    ...GENEROUS,
    ...behindProxy,
    PROMPTS_DATA_DIR: data,
    PROMPTS_LLM: 'openai',
    PROMPTS_LLM_BASE_URL: model.baseUrl,
    PROMPTS_LLM_MODEL: 'stand-in',
  }
  writeTopics(data, TOPICS)
  const { stdout } = await runProgram(['keys', 'create', '--name', 'soak'], settings)
  const credentials = { key: stdout.trim(), token: await tokenOf(settings) }
  const instances = await startInstances(settings, { a: await freePort(), b: await freePort() })
  toStop.push(instances.stop)
  const ofProxy = join(folder, 'proxy')
  await mkdir(ofProxy)
  const proxy = await startProxy(PROXIES.HAProxy, { folder: ofProxy, port, upstreams: instances.urls })
  toStop.push(proxy.stop)
  return { instances, kinds: mixedLoad(behindProxy.PROMPTS_PUBLIC_URL, credentials) }
}

async function soak({ instances, kinds }: Awaited<ReturnType<typeof arrange>>): Promise<void> {
  await capacity(kinds, WARM_UP_SECONDS)
  const most = await capacity(kinds, CAPACITY_SECONDS)
  const rate = most * SHARE
  print(
    `${rate.toFixed(0)} requests a second for ${seconds / 60} minutes: ${SHARE * 100} % of the ${most.toFixed(0)} that instances, proxy, clients and the model's stand-in carry together on ${availableParallelism()} cores`,
  )
  const startedAt = performance.now()
  const loads: number[] = []
  const weighing = setInterval(() => {
    loads.push(loadavg()[0] as number)
    instances.weigh((performance.now() - startedAt) / 1_000)
  }, WEIGH_MS)
  const disturbances = [KILL_AT, RESTART_AT].map((share) => share * seconds) as [number, number]
  const [ended] = await Promise.all([sendAtRate(kinds, rate, seconds), disturb(instances, disturbances)])
  clearInterval(weighing)

  print(`load average of the machine: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`)
  printLatencies(ended, disturbances)
  printMemory(instances.lives)
  const failed = ended.filter(({ fault }) => fault !== undefined)
  for (const { kind, due, fault } of failed.slice(0, 10))
    print(`failed after ${due.toFixed(1)} s: ${kind}: ${fault}`)
  print(`requests that failed and could not be repeated: ${failed.length}   (must 0)`)
  if (failed.length > 0) process.exitCode = 1
}

/** Kills one instance and restarts the other, so many seconds after now. */
async function disturb(instances: Instances, [killAt, restartAt]: [number, number]): Promise<void> {
  await sleep(killAt * 1_000)
  await instances.replace('a', 'SIGKILL', AWAY_MS)
  await sleep((restartAt - killAt) * 1_000 - AWAY_MS)
  await instances.replace('b', 'SIGTERM', 0)
}
