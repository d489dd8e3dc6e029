import { expect, it } from 'vitest'
import { writeEmf } from '../../../src/adapters/telemetry/emf.ts'
import { prometheusMetrics } from '../../../src/adapters/telemetry/prometheus.ts'
import { callEvent } from '../../helpers/call-events.ts'

interface EmfLine extends Record<string, unknown> {
  _aws: {
    Timestamp: number
    CloudWatchMetrics: {
      Namespace: string
      Dimensions: string[][]
      Metrics: { Name: string; Unit: string }[]
    }[]
  }
}

function recording() {
  const metrics = prometheusMetrics({ provider: 'none' })
  const written: EmfLine[] = []
  const stream = { write: (line: string) => void written.push(JSON.parse(line)) }
  const emf = writeEmf(metrics, { stage: 'prod', stream })
  return { ...metrics, emf, take: () => written.splice(0) }
}
const about = (lines: EmfLine[], operation: string) => lines.filter((line) => line['operation'] === operation)

it('writes what was added since the last lines, as CloudWatch reads it', async () => {
  const { observe, emf, take } = recording()
  observe(callEvent())
  observe(callEvent({ durationMs: 8 }))
  const before = Date.now()
  await emf.write()
  const [counted, timed] = about(take(), 'prompts.fetch')
  expect(counted).toEqual({
    _aws: {
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        {
          Namespace: 'PurposePathPrompts',
          Dimensions: [['stage'], ['stage', 'outcome']],
          Metrics: [{ Name: 'prompts_operations_total', Unit: 'Count' }],
        },
      ],
    },
    stage: 'prod',
    operation: 'prompts.fetch',
    outcome: 'ok',
    prompts_operations_total: 2,
  })
  expect(counted?._aws.Timestamp).toBeGreaterThanOrEqual(before)
  expect(timed).toMatchObject({ prompts_operation_seconds_count: 2, prompts_operation_seconds_sum: 0.01 })
  observe(callEvent())
  await emf.write()
  expect(about(take(), 'prompts.fetch')[0]).toMatchObject({ prompts_operations_total: 1 })
  await emf.close()
  expect(about(take(), 'prompts.fetch')).toEqual([])
})

it('charges for no dimension with many values', async () => {
  const { observe, throttled, emf, take } = recording()
  for (let index = 0; index < 50; index++) observe(callEvent({ served: [`topic_${index}`] }))
  observe(
    callEvent({ kind: 'authentication', name: 'authenticate', credential: 'key', outcome: 'forbidden' }),
  )
  throttled('dynamodb')
  await emf.close()
  const lines = take()
  expect(lines.filter((line) => 'topic' in line)).toHaveLength(50)
  const dimensions = lines.flatMap(({ _aws }) => _aws.CloudWatchMetrics.flatMap((one) => one.Dimensions))
  expect(new Set(dimensions.map(String))).toEqual(
    new Set(['stage', 'stage,outcome', 'stage,credential,outcome', 'stage,service']),
  )
  // CloudWatch takes a line with up to 100 metrics, each of which it must hold as a number.
  for (const { _aws, ...line } of lines) {
    const metrics = _aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics)
    expect(metrics.length).toBeLessThanOrEqual(100)
    expect(metrics.filter(({ Name }) => typeof line[Name] !== 'number')).toEqual([])
  }
})
