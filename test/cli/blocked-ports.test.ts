import { expect, test } from 'vitest'
import { isBlockedPort } from '../../src/cli/blocked-ports.ts'

test('the ports that are named are ones that fetch of this Node.js refuses', async () => {
  for (const port of [1, 22, 4190, 6000, 6665, 6666, 6667, 6668, 6669, 6697, 10_080]) {
    expect(isBlockedPort(port)).toBe(true)
    // Refused before anything is sent.
    const refused: Error = await fetch(`http://127.0.0.1:${port}`).catch((error) => error)
    expect((refused.cause as Error).message, `port ${port}`).toBe('bad port')
  }
  for (const port of [0, 80, 443, 3000, 8080, 6001, 10_081]) expect(isBlockedPort(port)).toBe(false)
})
