import type { App } from '../app.ts'
import { type Config, loadConfig } from '../config.ts'
import { type Check, fail, note, ok } from '../deployment/check.ts'
import { isUsable } from '../domain/api-keys.ts'
import { parseDuration } from '../domain/duration.ts'
import { toAppError } from '../domain/errors.ts'
import { systemClock } from '../util/time.ts'
import { blockedPortNotice, isBlockedPort } from './blocked-ports.ts'
import { type CommandContext, ownBackend, withApp } from './context.ts'
import { type CredentialOptions, findCredential, headersOf } from './credential.ts'
import { serverArgument } from './path.ts'

interface DoctorOptions extends CredentialOptions {
  /** A server to look at from outside instead. */
  url?: string
  hold?: string
}

/**
 * `doctor`: checks what the program needs, or a server as its clients see it, and says how to fix what is missing.
 * Answers whether it can work.
 */
export async function runDoctor(context: CommandContext, options: DoctorOptions): Promise<boolean> {
  const { print, colors } = context.terminal
  const labels: Record<Check['level'], string> = {
    ok: `${colors.green('ok')}    `,
    note: `${colors.yellow('note')}  `,
    fail: `${colors.red('fail')}  `,
  }
  let works = true
  const made =
    options.url === undefined
      ? checks(context, loadConfig(context.io.env))
      : outside(context, options.url, options)
  for await (const { level, text } of made) {
    if (level === 'fail') works = false
    print(`${labels[level]}${text}`)
  }
  return works
}

/** Longer than most proxies keep a quiet stream open. */
const DEFAULT_HOLD = '35s'

async function* outside(
  context: CommandContext,
  address: string,
  options: DoctorOptions,
): AsyncIterable<Check> {
  const url = serverArgument('url', address)
  const holdMs = parseDuration(options.hold ?? DEFAULT_HOLD, { milliseconds: 3_600_000, words: '1h' }, 'hold')
  const credential = findCredential(context, options)
  const { checkFromOutside } = await import('../deployment/outside/doctor.ts')
  const headers = credential === undefined ? undefined : headersOf(credential)
  yield* checkFromOutside({ url, credential: headers, holdMs })
}

async function* checks(context: CommandContext, config: Config): AsyncIterable<Check> {
  yield ok(`Node.js ${process.version}`)
  yield ok(`Settings: store ${config.store}, stage ${config.stage}, ${config.host}:${config.port}`)
  if (isBlockedPort(config.port)) yield note(blockedPortNotice(config.port))
  yield ok(`Language model: ${modelIn(config)}`)
  try {
    let works = true
    for await (const check of (await ownBackend(context, config)).check()) {
      if (check.level === 'fail') works = false
      yield check
    }
    // The program would only say again what it lacks.
    if (works) yield* await withApp(context, {}, checkContents)
  } catch (error) {
    yield fail(toAppError(error).operatorMessage)
  }
}

/** In words; whether it answers, only an analysis tells, which costs something. */
function modelIn({ llm }: Config): string {
  if (llm.provider === 'none') return 'none, so analyses are not answered (PROMPTS_LLM)'
  const where = llm.provider === 'openai' ? `openai at ${llm.baseUrl}` : llm.provider
  return `${where}, ${llm.model ?? 'by what each topic names'}`
}

/** What is in the store, wherever it is. */
async function checkContents({ services: { catalog }, backend }: App): Promise<Check[]> {
  const active = catalog.list().filter((topic) => topic.is_active)
  const { fix } = backend.describe()
  const invalid = [...catalog.invalid()].map(([topic_id, reason]) =>
    note(`Topic ${topic_id} is invalid and not served until ${fix}: ${reason}`),
  )
  const incomplete = [...catalog.incomplete()].map(([topic_id, reason]) =>
    note(`Topic ${topic_id} is served as it was published last, because it is being edited: ${reason}`),
  )
  const keys = await backend.openKeys()
  const usable = (await keys.list()).filter((key) => isUsable(key, systemClock))
  return [
    ok(`Topics: ${catalog.list().length}, of which active: ${active.length}`),
    ...invalid,
    ...incomplete,
    usable.length > 0
      ? ok(`API keys: ${usable.length}`)
      : note('No API key yet; HTTP clients need one: purposepath-prompts keys create --name NAME'),
  ]
}
