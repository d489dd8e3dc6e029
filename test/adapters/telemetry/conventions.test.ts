import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  ATTRIBUTES,
  CONVENTION_METRICS,
  CONVENTIONS_VERSION,
  MCP_BUCKETS,
  MODEL_BUCKETS,
} from '../../../src/adapters/telemetry/conventions.ts'
import { PACKAGE_ROOT } from '../../helpers/program.ts'

/** What that version of the conventions says of the names that are used here. */
const pinned = JSON.parse(
  readFileSync(join(PACKAGE_ROOT, 'test/fixtures/semantic-conventions-genai-0.1.0.json'), 'utf8'),
) as {
  version: string
  metrics: Record<string, { unit: string; buckets?: number[] }>
  attributes: string[]
}

it('uses the names and buckets of the pinned version', () => {
  expect(CONVENTIONS_VERSION).toBe(pinned.version)
  expect(Object.values(CONVENTION_METRICS).sort()).toEqual(Object.keys(pinned.metrics).sort())
  expect(Object.values(ATTRIBUTES).sort()).toEqual(pinned.attributes)
  const { mcpDuration, modelDuration, modelFirstChunk } = CONVENTION_METRICS
  expect(pinned.metrics[mcpDuration]?.buckets).toEqual(MCP_BUCKETS)
  for (const name of [modelDuration, modelFirstChunk]) {
    expect(pinned.metrics[name]?.buckets).toEqual(MODEL_BUCKETS)
  }
})

it('no other file names them', () => {
  const folder = join(PACKAGE_ROOT, 'src')
  const naming = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) =>
      /['"](gen_ai|mcp)[._](?!prompts|resources|skills)/.test(readFileSync(join(folder, name), 'utf8')),
    )
  expect(naming.map((name) => name.replaceAll('\\', '/'))).toEqual(['adapters/telemetry/conventions.ts'])
})
