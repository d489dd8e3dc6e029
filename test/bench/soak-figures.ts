import { print } from './figures.ts'
import type { Subject } from './processes.ts'
import type { Ended } from './soak-load.ts'

/** One process of an instance, and its memory from time to time. */
export interface Life {
  name: string
  subject: Subject
  /** Seconds since the load began, and MB. */
  samples: { at: number; mb: number }[]
}

/** Until the code is compiled and the texts are in memory. */
const SETTLING_SECONDS = 60

/** Until what has piled up during a disturbance is answered. */
const DISTURBED_SECONDS = 60

/** @param disturbances when there was one, in seconds since the load began. */
export function printLatencies(ended: readonly Ended[], disturbances: readonly number[]): void {
  print('                             requests  repeated    p50 ms    p99 ms  p99.9 ms')
  const kinds = [...new Set(ended.map(({ kind }) => kind))].sort()
  for (const kind of kinds)
    printRow(
      kind,
      ended.filter((one) => one.kind === kind),
    )
  printRow('all', ended)
  const isCalm = ({ due }: Ended) => disturbances.every((at) => due < at || due > at + DISTURBED_SECONDS)
  printRow('all, while both run', ended.filter(isCalm))
}

function printRow(name: string, ended: readonly Ended[]): void {
  const times = ended.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number) => (times[Math.floor(times.length * share)] as number).toFixed(1)
  const repeated = ended.filter(({ repeated }) => repeated > 0).length
  const cells = [ended.length, repeated, at(0.5), at(0.99), at(0.999)].map((cell) =>
    String(cell).padStart(10),
  )
  print(name.padEnd(27) + cells.join(''))
}

/** How much memory each process had once it had settled, and how much that grew. */
export function printMemory(lives: readonly Life[]): void {
  for (const { name, samples } of lives) {
    const [first] = samples
    const settled = samples.filter(({ at }) => at - (first?.at ?? 0) > SETTLING_SECONDS)
    if (settled.length < 2) continue
    const [from, to] = [settled[0], settled.at(-1)] as [Life['samples'][0], Life['samples'][0]]
    print(
      `memory of ${name}, from ${from.at.toFixed(0)} s to ${to.at.toFixed(0)} s: ${Math.min(...settled.map(({ mb }) => mb)).toFixed(0)} to ${Math.max(...settled.map(({ mb }) => mb)).toFixed(0)} MB, slope ${(slope(settled) * 60).toFixed(2)} MB a minute`,
    )
  }
}

/** Of the line with the least squares, MB a second. */
function slope(samples: Life['samples']): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(samples.map(({ at }) => at)), mean(samples.map(({ mb }) => mb))]
  const both = mean(samples.map(({ at, mb }) => (at - x) * (mb - y)))
  return both / mean(samples.map(({ at }) => (at - x) ** 2))
}
