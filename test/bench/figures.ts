import { fire, type Shot } from './load.ts'
import type { Subject } from './processes.ts'

const REQUESTS = 600
/** Of each instance, and before them as many to warm up. */
const ROUNDS = 25

/** What is sent to each instance of one program: one request again and again, or several in turn. */
export type Shots = readonly (readonly [Subject, Shot | readonly Shot[]])[]

interface Load {
  /** In a round, to each instance. */
  requests?: number
  connections?: number
  rounds?: number
}

/**
 * CPU seconds a request of each program, in the order of the programs, in many short rounds once all code has been
 * compiled. In a round one instance of each program takes its turn right after the other's, because a machine is not
 * equally fast from one second to the next; each program has as many instances.
 */
export async function cpuPerRequest(
  programs: readonly Shots[],
  { requests = REQUESTS, connections = 8, rounds = ROUNDS }: Load = {},
): Promise<number[][]> {
  const samples = programs.map(() => [] as number[])
  const instances = programs[0]?.length ?? 0
  if (programs.some(({ length }) => length !== instances)) throw new Error('not as many instances of each')
  const warmUp = rounds * instances
  const order = [...programs.entries()]
  for (let round = 0; round < 2 * warmUp; round++) {
    const turn = round % instances
    // Nobody is always first.
    if (turn === 0) order.reverse()
    for (const [index, shots] of order) {
      const [subject, sent] = shots[turn] as Shots[number]
      const before = subject.cpuSeconds()
      await fire([sent].flat() as Shot[], requests, connections)
      if (round >= warmUp) samples[index]?.push((subject.cpuSeconds() - before) / requests)
    }
  }
  return samples
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

/** The median ratio of samples that were taken one after the other: what slows a machine down for a while slows both. */
export function ratio(some: readonly number[] = [], others: readonly number[] = []): string {
  if (some.length !== others.length) throw new Error('samples that were not taken together')
  return median(some.map((value, index) => value / (others[index] as number)))
    .toFixed(2)
    .padStart(6)
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
