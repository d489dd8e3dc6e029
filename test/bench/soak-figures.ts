import { print } from './figures.ts'
import type { Life } from './soak-instances.ts'
import type { Ended } from './soak-load.ts'

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
    const settled = samples.filter(({ at }) => at - (samples[0] as Sample).at > SETTLING_SECONDS)
    const [first, last] = [settled[0], settled.at(-1)]
    if (!first || !last || first === last) continue
    const weights = settled.map(({ mb }) => mb)
    const span = `${first.at.toFixed(0)} s to ${last.at.toFixed(0)} s`
    const range = `${Math.min(...weights).toFixed(0)} to ${Math.max(...weights).toFixed(0)} MB`
    print(`memory of ${name}, ${span}: ${range}, slope ${(slope(settled) * 60).toFixed(2)} MB a minute`)
  }
}

type Sample = Life['samples'][0]

/** Of the line with the least squares, MB a second. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const [x, y] = [mean(({ at }) => at), mean(({ mb }) => mb)]
  return mean(({ at, mb }) => (at - x) * (mb - y)) / mean(({ at }) => (at - x) ** 2)
}
