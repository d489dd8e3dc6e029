import { expect, test } from 'vitest'

/**
 * In place of a group of tests for which something is not installed: they are skipped, and a line says what to install;
 * in CI that is a failure.
 */
export function missing(name: string, what: string): void {
  if (process.env['CI']) {
    test(name, () => expect.fail(what))
    return
  }
  process.stderr.write(`Skipped: ${name} ${what}\n`)
  test.skip(`${name} (${what})`, () => {})
}
