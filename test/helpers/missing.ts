import { expect, test } from 'vitest'

/** In place of a group of tests for which something is not installed: they are skipped; in CI that is a failure. */
export function missing(name: string, what: string): void {
  if (process.env['CI']) test(name, () => expect.fail(what))
  else test.skip(`${name} (${what})`, () => {})
}
