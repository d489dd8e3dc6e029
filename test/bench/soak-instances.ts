import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, PROGRAM } from '../helpers/program.ts'
import { type Subject, settled, startSubject } from './processes.ts'

/** One process of an instance, and its memory from time to time. */
export interface Life {
  name: string
  subject: Subject
  isOver: boolean
  /** Seconds since the load began, and MB. */
  samples: { at: number; mb: number }[]
}

export interface Instances {
  urls: string[]
  /** All that have lived, in the order of their starts. */
  lives: readonly Life[]
  /** Notes how much memory each one takes, `at` seconds since the load began. */
  weigh(at: number): void
  /** Ends an instance by a signal and starts it again on its port, `awayMs` after its end. */
  replace(name: string, signal: NodeJS.Signals, awayMs: number): Promise<void>
  stop(): Promise<void>
}

/** Starts an instance with these settings on each port, by name, and waits until all have settled. */
export async function startInstances(
  settings: Environment,
  ports: Record<string, number>,
): Promise<Instances> {
  const lives: Life[] = []
  const running = () => lives.filter(({ isOver }) => !isOver)
  const start = async (name: string) => {
    const subject = await startSubject(name, [PROGRAM, 'serve'], {
      ...settings,
      PROMPTS_PORT: `${ports[name]}`,
    })
    lives.push({ name, subject, isOver: false, samples: [] })
  }
  for (const name of Object.keys(ports)) await start(name)
  await Promise.all(lives.map(({ subject }) => settled(subject)))

  return {
    urls: lives.map(({ subject }) => subject.url),
    lives,
    weigh(at) {
      for (const { subject, samples } of running()) samples.push({ at, mb: subject.residentMb() })
    },
    async replace(name, signal, awayMs) {
      const life = running().find((one) => one.name === name) as Life
      const { process: child } = life.subject
      const ended = new Promise((resolve) => child.once('close', resolve))
      life.isOver = true
      child.kill(signal)
      await ended
      await sleep(awayMs)
      await start(name)
    },
    stop: async () => void (await Promise.all(running().map(({ subject }) => subject.stop()))),
  }
}
