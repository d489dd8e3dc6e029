import { fire, type Shot } from './load.ts'
import type { Subject } from './processes.ts'

const REQUESTS = 600
export const CHEAP_REQUESTS = 3_000
const ROUNDS = 25
const WARM_UP_ROUNDS = 25

/**
 * CPU seconds of each shot, in the order of the shots, in each of many short rounds in which every shot takes its turn,
 * once all code has been compiled.
 */
export async function cpuPerRequest(
  shots: readonly [Subject, Shot][],
  requests = REQUESTS,
): Promise<number[][]> {
  const samples = shots.map(() => [] as number[])
  for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round++) {
    for (const [index, [subject, shot]] of shots.entries()) {
      const before = subject.cpuSeconds()
      await fire(shot, requests)
      if (round > 0) samples[index]?.push((subject.cpuSeconds() - before) / requests)
    }
  }
  return samples
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

/** The median ratio of samples that were taken one after the other: what slows a machine down for a while slows both. */
export function ratio(some: readonly number[] = [], others: readonly number[] = []): string {
  return median(some.map((value, index) => value / (others[index] as number)))
    .toFixed(2)
    .padStart(6)
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
