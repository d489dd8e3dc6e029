import { fire, type Shot } from './load.ts'
import type { Subject } from './processes.ts'

const REQUESTS = 3_000
/** Of the cheap ones: the operating system's account counts in hundredths of a second. */
export const CHEAP_REQUESTS = 15_000
const ROUNDS = 5
const WARM_UP_ROUNDS = 5

/** Median over rounds in which every subject takes its turn, once all of its code has been compiled. */
export async function cpuPerRequest(
  shots: readonly [Subject, Shot][],
  requests = REQUESTS,
): Promise<Map<Subject, number>> {
  const samples = new Map(shots.map(([subject]) => [subject, [] as number[]]))
  for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round++) {
    for (const [subject, shot] of shots) {
      const before = subject.cpuSeconds()
      await fire(shot, requests)
      if (round > 0) samples.get(subject)?.push((subject.cpuSeconds() - before) / requests)
    }
  }
  return new Map([...samples].map(([subject, values]) => [subject, median(values)]))
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

export function ratio(a: number, b: number): string {
  return (a / b).toFixed(2).padStart(6)
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
