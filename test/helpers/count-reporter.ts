import type { Reporter, TestCase } from 'vitest/node'

/** Ends a run with one line that a program can read: `tests: N passed, N failed, N skipped`. */
export default class CountReporter implements Reporter {
  private readonly counts = { passed: 0, failed: 0, skipped: 0 }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result()
    if (state !== 'pending') this.counts[state]++
  }

  onTestRunEnd(_modules: unknown, errors: readonly unknown[]): void {
    const { passed, failed, skipped } = this.counts
    process.stdout.write(`tests: ${passed} passed, ${failed + errors.length} failed, ${skipped} skipped\n`)
  }
}
