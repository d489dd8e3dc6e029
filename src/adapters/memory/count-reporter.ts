import { randomBytes } from 'node:crypto'
import pMap from 'p-map'
import type { LimitName, RateLimitWindow, SharedCounts } from '../../domain/rate-limiter.ts'

/** A count is reported when this part of its limit is unreported, or when something is unreported for so long. */
const SHARE = 1 / 20
const REPORT_AFTER_MS = 1_000
/** Reports under way at the same time: a quarter of the connections of an AWS client. */
const MAX_WRITES = 32

/** A window as one process knows it. */
export interface Window extends RateLimitWindow {
  /** Calls let through by this process. */
  own: number
  /** Calls let through by other instances, as of the last report's answer. */
  others: number
  /** Used by the reporter alone; there is none until something is to be reported. */
  report?: Report
}

interface Report {
  /** How many unreported calls start a write. */
  readonly share: number
  /** Names this count. Not the instance's name: an instance may forget a window and start another one. */
  readonly reporter: string
  /** How many of the window's own calls are reported. */
  reported: number
  timer: NodeJS.Timeout | undefined
  writing: Promise<void> | undefined
  /** Whether the last write failed: the next one comes no sooner than {@link REPORT_AFTER_MS}. */
  hasFailed: boolean
  /** Whether the limiter has dropped the window: what is unreported is reported at once or never. */
  isForgotten: boolean
}

/** Reports the counts of one process to the others, in the background. */
export interface CountReporter {
  /** To be called after `own` has grown: reports it now or within {@link REPORT_AFTER_MS}. Never fails. */
  reportWhenDue(window: Window): void
  /** Reports a window that the limiter drops to save memory. */
  reportEvicted(window: Window): void
  /** Forgets a window whose minute is over. */
  drop(window: Window): void
  /** Reports all that is unreported. Takes a few seconds at most; never fails. */
  close(windows: readonly Window[]): Promise<void>
}

/**
 * A report is one write, and there is one at a time for each window. Its answer, what all instances have let through,
 * becomes the window's `others`.
 */
export function createCountReporter(
  counts: SharedCounts,
  perMinute: Readonly<Record<LimitName, number>>,
  minuteNow: () => number,
): CountReporter {
  const underWay = new Set<Promise<void>>()
  let isClosed = false

  function reportOf(window: Window): Report {
    window.report ??= {
      share: Math.ceil(perMinute[window.limit] * SHARE),
      reporter: randomBytes(6).toString('base64url'),
      reported: 0,
      timer: undefined,
      writing: undefined,
      hasFailed: false,
      isForgotten: false,
    }
    return window.report
  }

  function reportWhenDue(window: Window): void {
    const report = reportOf(window)
    const unreported = window.own - report.reported
    const isDue = unreported >= report.share || report.isForgotten
    if (isDue && !report.hasFailed) reportNow(window)
    else if (unreported > 0) reportLater(window)
  }

  function reportLater(window: Window): void {
    const report = reportOf(window)
    if (isClosed || report.isForgotten) return
    report.timer ??= setTimeout(() => {
      report.timer = undefined
      reportNow(window)
    }, REPORT_AFTER_MS).unref()
  }

  function reportNow(window: Window): void {
    const report = reportOf(window)
    // The count of a minute that is over is of no use to others.
    if (report.writing || window.own === report.reported || window.minute !== minuteNow()) return
    if (underWay.size >= MAX_WRITES || counts.isOutOfReach()) reportLater(window)
    else startWriting(window, report)
  }

  function startWriting(window: Window, report: Report): void {
    clearTimeout(report.timer)
    report.timer = undefined
    const writing = write(window, report).then(() => {
      underWay.delete(writing)
      report.writing = undefined
      reportWhenDue(window)
    })
    underWay.add(writing)
    report.writing = writing
  }

  async function write(window: Window, report: Report): Promise<void> {
    const { own } = window
    try {
      const total = await counts.report(window, report.reporter, own)
      report.reported = own
      window.others = total - own
      report.hasFailed = false
    } catch {
      report.hasFailed = true
    }
  }

  function drop(window: Window): void {
    if (!window.report) return
    clearTimeout(window.report.timer)
    window.report.isForgotten = true
  }

  async function reportLast(window: Window): Promise<void> {
    const report = reportOf(window)
    clearTimeout(report.timer)
    await report.writing
    reportNow(window)
    await report.writing
  }

  return {
    reportWhenDue,
    drop,

    reportEvicted(window) {
      drop(window)
      if (window.report) reportNow(window)
    },

    async close(windows) {
      isClosed = true
      await Promise.all(underWay)
      await pMap(windows, reportLast, { concurrency: MAX_WRITES })
    },
  }
}
