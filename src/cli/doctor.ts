import { layoutOf } from '../adapters/files/layout.ts'
import { strayTexts } from '../adapters/files/working-copy.ts'
import type { App } from '../app.ts'
import { type Config, loadConfig } from '../config.ts'
import type { Check } from '../deployment/aws/doctor/checks.ts'
import { isUsable } from '../domain/api-keys.ts'
import { systemClock } from '../domain/clock.ts'
import { toAppError } from '../domain/errors.ts'
import { type CommandContext, withApp } from './context.ts'

/** `doctor`: checks what the program needs, and says how to fix what is missing. Answers whether it can work. */
export async function runDoctor(context: CommandContext): Promise<boolean> {
  const { print, colors } = context.terminal
  const labels: Record<Check['level'], string> = {
    ok: `${colors.green('ok')}    `,
    note: `${colors.yellow('note')}  `,
    fail: `${colors.red('fail')}  `,
  }
  const config = loadConfig(context.io.env)
  let works = true
  const tell = ({ level, text }: Check) => {
    if (level === 'fail') works = false
    print(`${labels[level]}${text}`)
  }
  const good = (text: string) => tell({ level: 'ok', text })

  good(`Node.js ${process.version}`)
  good(`Settings: store ${config.store}, stage ${config.stage}, ${config.host}:${config.port}`)
  good(`Language model: ${modelIn(config)}`)
  try {
    if (config.store === 'aws') for (const check of await checkDeployment(config)) tell(check)
    // The program would only say again what it lacks.
    if (!works) return false
    await withApp(context, {}, async (app) => {
      if (config.store === 'files') good(`Data folder ${config.dataDir} can be read and written`)
      for (const check of await checkContents(app, config)) tell(check)
    })
  } catch (error) {
    tell({ level: 'fail', text: toAppError(error).operatorMessage })
  }
  return works
}

/** In words; whether it answers, only an analysis tells, which costs something. */
function modelIn({ llm: { provider, baseUrl, model } }: Config): string {
  if (provider === 'none') return 'none, so analyses are not answered (PROMPTS_LLM)'
  const where = baseUrl === undefined ? provider : `${provider} at ${baseUrl}`
  return `${where}, ${model ?? 'by what each topic names'}`
}

/** The AWS clients take long to load: only who needs them waits for them. */
async function checkDeployment({ aws }: Config): Promise<Check[]> {
  const [{ checkAws }, { awsClients }] = await Promise.all([
    import('../deployment/aws/doctor/doctor.ts'),
    import('../adapters/aws/resources.ts'),
  ])
  return checkAws(awsClients(aws), aws)
}

/** What is in the store, wherever it is. */
async function checkContents({ services: { catalog }, backend }: App, config: Config): Promise<Check[]> {
  const checks: Check[] = []
  const good = (text: string) => checks.push({ level: 'ok', text })
  const odd = (text: string) => checks.push({ level: 'note', text })

  const isFiles = config.store === 'files'
  const active = catalog.list().filter((topic) => topic.is_active)
  good(`Topics: ${catalog.list().length}, of which active: ${active.length}`)
  for (const [topic_id, reason] of catalog.invalid()) {
    odd(
      `Topic ${topic_id} is invalid and not served until ${isFiles ? 'its files are' : 'it is'} fixed: ${reason}`,
    )
  }
  for (const path of isFiles ? strayTexts(layoutOf(config.dataDir)) : []) {
    odd(`${path} belongs to no topic by its name: prompts/{topic_id}/{prompt_type}.md, in lower case`)
  }
  const keys = await backend.openKeys()
  const usable = (await keys.list()).filter((key) => isUsable(key, systemClock))
  if (usable.length > 0) good(`API keys: ${usable.length}`)
  else odd('No API key yet; HTTP clients need one: purposepath-prompts keys create --name NAME')
  return checks
}
