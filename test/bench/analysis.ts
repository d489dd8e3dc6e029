import type { Environment } from '../helpers/program.ts'
import { toolUse } from '../stand-ins/bedrock-replies.ts'
import { startBedrockRuntime } from '../stand-ins/bedrock-runtime.ts'
import { cpuPerRequest, median, print, ratio } from './figures.ts'
import { firstDeltaAt, restShot } from './load.ts'
import type { Subject } from './processes.ts'

const ANALYSES = 80
const STREAMS = 40
const ANALYSIS = {
  analysis: 'Revenue is 5% below threshold. '.repeat(20),
  recommendations: ['Focus on enterprise sales'],
  severity: 'warning',
}

interface AnalysisSubjects {
  startBare: (settings: Environment) => Promise<Subject>
  startProduct: (settings: Environment) => Promise<{ subject: Subject; key: string }>
}

/** What an analysis costs besides the model, which here is a stand-in that answers at once. */
export async function printAnalysis(
  { startBare, startProduct }: AnalysisSubjects,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<void> {
  const bedrock = await startBedrockRuntime()
  atEnd(() => bedrock.stop())
  bedrock.always(toolUse('give_analysis', ANALYSIS))
  const settings = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'BENCH',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.endpoint,
  }
  const bare = await startBare(settings)
  const model = { PROMPTS_LLM: 'bedrock', PROMPTS_LLM_MODEL: 'bench' }
  const { subject, key } = await startProduct({ ...settings, ...model })
  const path = '/api/v1/prompts/topic_0/analyze'
  const parameters = { user_name: 'Ada' }
  const [sdk, ours] = await cpuPerRequest(
    [
      [[bare, restShot('POST', `${bare.url}/analyze`, {}, 'severity', {})]],
      [[subject, restShot('POST', subject.url + path, { 'x-api-key': key }, 'severity', parameters)]],
    ],
    { requests: ANALYSES },
  )
  print('an analysis on Bedrock, by a stand-in that answers at once')
  print(`  CPU, analysis ÷ bare Fastify with the SDK's call ${ratio(ours, sdk).trim()}   (must ≤ 1.2)`)
  const delays: number[] = []
  const headers = { 'x-api-key': key, accept: 'text/event-stream' }
  const streamed = restShot('POST', subject.url + path, headers, '', parameters)
  for (let index = 0; index < STREAMS; index++) {
    const seenAt = await firstDeltaAt(streamed)
    const { sentAt = [] } = bedrock.requests.at(-1) ?? {}
    delays.push(seenAt - (sentAt.find(({ type }) => type === 'contentBlockDelta')?.at ?? Number.NaN))
  }
  print(`  first delta, from the model to the client, p50   ${median(delays).toFixed(1)} ms   (must ≤ 20)`)
}
