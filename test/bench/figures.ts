import { fire, type Shot } from './load.ts'
import type { Subject } from './processes.ts'

const REQUESTS = 600
const ROUNDS = 25
const WARM_UP_ROUNDS = 25

/** What is sent to each instance of one program. */
export type Shots = readonly (readonly [Subject, Shot])[]

/**
 * CPU seconds a request of each program, in the order of the programs, in each of many short rounds in which every
 * instance takes its turn, once all code has been compiled.
 */
export async function cpuPerRequest(programs: readonly Shots[], requests = REQUESTS): Promise<number[][]> {
  const samples = programs.map(() => [] as number[])
  for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round++) {
    for (const [index, shots] of programs.entries()) {
      let spent = 0
      for (const [subject, shot] of shots) {
        const before = subject.cpuSeconds()
        await fire(shot, requests)
        spent += subject.cpuSeconds() - before
      }
      if (round > 0) samples[index]?.push(spent / shots.length / requests)
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
