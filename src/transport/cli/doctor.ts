import pc from 'picocolors'
import { layoutOf } from '../../adapters/files/layout.ts'
import { strayTexts } from '../../adapters/files/working-copy.ts'
import { loadConfig } from '../../config.ts'
import { isUsable } from '../../domain/api-keys.ts'
import { toAppError } from '../../domain/errors.ts'
import { withApp } from './context.ts'
import { print } from './output.ts'

/** `doctor`: checks what the program needs, and says how to mend what is missing. Answers whether it can work. */
export async function runDoctor(): Promise<boolean> {
  const config = loadConfig()
  let works = true
  const good = (text: string) => print(`${pc.green('ok')}    ${text}`)
  const odd = (text: string) => print(`${pc.yellow('note')}  ${text}`)
  const bad = (text: string) => {
    works = false
    print(`${pc.red('fail')}  ${text}`)
  }

  good(`Node.js ${process.version}`)
  good(`Settings: store files, stage ${config.stage}, ${config.host}:${config.port}`)
  try {
    await withApp({}, async ({ services: { catalog }, keys }) => {
      good(`Data folder ${config.dataDir} can be read and written`)
      const active = catalog.list().filter((topic) => topic.is_active)
      good(`Topics: ${catalog.list().length}, of which active: ${active.length}`)
      for (const [topic_id, damage] of catalog.damaged()) {
        odd(`Topic ${topic_id} is out until its files are mended: ${damage}`)
      }
      for (const path of strayTexts(layoutOf(config.dataDir))) {
        odd(`${path} belongs to no topic by its name: prompts/{topic_id}/{prompt_type}.md, in lower case`)
      }
      const usable = (await keys.list()).filter((key) => isUsable(key, new Date()))
      if (usable.length > 0) good(`API keys: ${usable.length}`)
      else odd('No API key yet; HTTP clients need one: purposepath-prompts keys create --name NAME')
    })
  } catch (error) {
    bad(toAppError(error).forOperator)
  }
  return works
}
