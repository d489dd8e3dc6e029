import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('lines that wait are written when the log is flushed', () => {
  const log = new URL('../../../src/adapters/telemetry/log.ts', import.meta.url).href
  // Held up for good afterwards, so that nothing else writes them.
  const script = `
    const { createLog } = await import('${log}')
    const log = createLog('info')
    log.info('waiting')
    log.flush(() => process.kill(process.pid, 'SIGKILL'))
  `
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const { stderr, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(signal).toBe('SIGKILL')
  expect(stderr).toContain('"msg":"waiting"')
})
