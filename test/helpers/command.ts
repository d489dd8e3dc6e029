import { Readable, Writable } from 'node:stream'
import { onTestFinished, vi } from 'vitest'
import { run } from '../../src/cli/run.ts'
import type { AtEnd } from './at-end.ts'
import { type Environment, environmentOf, type Finished, PACKAGE_ROOT } from './program.ts'

export interface CommandOptions {
  stdin?: string
  /** Folder of the package, whose `seeds/` are used. */
  packageRoot?: string
  /** Whether a person sees stderr. Default: false. */
  isTerminal?: boolean
}

/**
 * Runs a command of the program in this process, which takes a tenth of the time of {@link runProgram}. What concerns
 * the process itself (signals, pipes, HOME, other processes) needs a real one; see {@link withAwsSettings} for AWS.
 */
export async function runCommand(
  words: readonly string[],
  settings: Environment = {},
  { stdin = '', packageRoot = PACKAGE_ROOT, isTerminal = false }: CommandOptions = {},
): Promise<Finished> {
  const [stdout, stderr] = [collector(), collector()]
  const code = await run(words, {
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
    stdout: stdout.stream,
    stderr: Object.assign(stderr.stream, { isTTY: isTerminal }),
    env: environmentOf(settings),
    packageRoot,
  })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** AWS clients read the environment of the process itself: until the end, commands in it have these `AWS_…` settings. */
export function withAwsSettings(settings: Environment, atEnd: AtEnd = onTestFinished): void {
  for (const [name, value] of Object.entries(settings)) if (name.startsWith('AWS_')) vi.stubEnv(name, value)
  atEnd(async () => void vi.unstubAllEnvs())
}

function collector() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
