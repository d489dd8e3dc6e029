import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from '../helpers/program.ts'
import { text } from '../stand-ins/bedrock-replies.ts'
import { startBedrockRuntime } from '../stand-ins/bedrock-runtime.ts'
import { cpuPerRequest, median, print, ratio } from './figures.ts'
import { fire, firstDeltaAt, restShot, type Shot, send, tokenHeader } from './load.ts'
import { benchScript, type Product, type Starter } from './processes.ts'
import { TEXT } from './text.ts'

/** Turns in a round, each of a conversation of its own. */
const TURNS = 40
const STREAMS = 40
/** How long the long conversations are before and after they are measured. */
const LONG = { from: 40, to: 60 }
const LONG_CONVERSATIONS = 20
/** What a person types. */
const MESSAGE =
  'I felt most alive when I was teaching, and when somebody understood what had been a riddle to them.'
const ANSWER = 'Teaching, then. Which one lesson comes to mind first? '.repeat(4)

/** What a turn of a conversation costs besides the model, which here is a stand-in that answers at once. */
export async function printConversation(
  { start, startProduct }: Starter,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<void> {
  const bedrock = await startBedrockRuntime()
  atEnd(() => bedrock.stop())
  bedrock.always(text(ANSWER))
  const settings = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'BENCH',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.endpoint,
  }
  const bare = await start('bare', [benchScript('bare-turn')], settings)
  const product = await startProduct(10, { ...settings, PROMPTS_LLM: 'bedrock', PROMPTS_LLM_MODEL: 'bench' })
  await addCoach(product)
  const { subject } = product
  print('a turn of a conversation on Bedrock, by a stand-in that answers at once; files store')

  const turns = (await startConversations(product, TURNS)).map((id) => turnShot(product, id))
  const bareTurn = restShot('POST', `${bare.url}/messages`, EVENTS, 'event: result', { content: MESSAGE })
  const [sdk, ours] = await cpuPerRequest([[[bare, bareTurn]], [[subject, turns]]], {
    requests: TURNS,
    rounds: 15,
  })
  print(
    `  CPU, turn ÷ bare Fastify with the SDK's streamed call ${ratio(ours, sdk).trim()}   (must ≤ 1.4, aim 1.2)`,
  )

  const delays: number[] = []
  for (const id of await startConversations(product, STREAMS)) {
    const seenAt = await firstDeltaAt(turnShot(product, id))
    const { sentAt = [] } = bedrock.requests.at(-1) ?? {}
    delays.push(seenAt - (sentAt.find(({ type }) => type === 'contentBlockDelta')?.at ?? Number.NaN))
  }
  print(
    `  first delta, from the model to the client, p50   ${median(delays).toFixed(1)} ms   (must ≤ 20, aim 5)`,
  )
  const [second, fiftieth] = await bySecondAndFiftieth(product)
  print(
    `  CPU, turn 50 ÷ turn 2                            ${ratio(fiftieth, second).trim()}   (must ≤ 1.5, aim 1.2)`,
  )
}

const EVENTS = { accept: 'text/event-stream' }

/** A coaching topic whose conversations may be long. */
async function addCoach({ settings }: Product): Promise<void> {
  const path = join(dirname(settings['PROMPTS_DATA_DIR'] as string), 'coach.json')
  const topic = {
    topic_id: 'coach',
    topic_name: 'Coach',
    topic_type: 'conversation_coaching',
    category: 'coaching',
    config: { supports_streaming: true },
    prompts: { system: TEXT.replace('{{user_name}}', 'Ada') },
  }
  await writeFile(path, JSON.stringify({ topics: [topic] }))
  const { code, stderr } = await runProgram(['import', path], settings)
  if (code !== 0) throw new Error(stderr)
  // Until the server has seen it.
  await sleep(1_500)
}

async function startConversations({ subject, token }: Product, count: number): Promise<string[]> {
  const agent = new Agent({ keepAlive: true })
  const shot = restShot('POST', `${subject.url}/api/v1/conversations`, tokenHeader(token), '', {
    topic_id: 'coach',
  })
  const ids: string[] = []
  while (ids.length < count) {
    const { data } = JSON.parse(await send(agent, shot)) as { data: { conversation_id: string } }
    ids.push(data.conversation_id)
  }
  agent.destroy()
  return ids
}

function turnShot({ subject, token }: Product, id: string): Shot {
  const url = `${subject.url}/api/v1/conversations/${id}/messages`
  return restShot('POST', url, { ...tokenHeader(token), ...EVENTS }, 'event: result', { content: MESSAGE })
}

/** CPU seconds of a second turn, and of one about as late as the fiftieth, in rounds one after the other. */
async function bySecondAndFiftieth(product: Product): Promise<[number[], number[]]> {
  const long = (await startConversations(product, LONG_CONVERSATIONS)).map((id) => turnShot(product, id))
  const take = async (shots: Shot[]) => {
    const before = product.subject.cpuSeconds()
    await fire(shots, shots.length, 4)
    return (product.subject.cpuSeconds() - before) / shots.length
  }
  for (let turn = 1; turn < LONG.from; turn++) await take(long)
  const samples: [number[], number[]] = [[], []]
  for (let turn = LONG.from; turn <= LONG.to; turn++) {
    const short = (await startConversations(product, long.length)).map((id) => turnShot(product, id))
    await take(short)
    samples[0].push(await take(short))
    samples[1].push(await take(long))
  }
  return samples
}
