import { expect, test } from 'vitest'
import { auditLog } from '../../../src/adapters/telemetry/audit.ts'
import { createLog } from '../../../src/adapters/telemetry/log.ts'

const NAME = 'a\u2028b\u2029c\u0085d'

test('characters that end a line for some readers are escaped in the log, and read the same', () => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  log.info({ topic: NAME }, NAME)
  const call = { kind: 'operation', name: 'x', outcome: 'ok', durationMs: 1, requestId: 'r' } as const
  auditLog(log)({ ...call, caller: NAME, refused: [NAME] })
  for (const line of lines) expect(line).toMatch(/^[^\u0085\u2028\u2029]*\n$/)
  const [event, audit] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(event).toMatchObject({ topic: NAME, msg: NAME })
  expect(audit).toMatchObject({ caller: NAME, refused: [NAME] })
})
