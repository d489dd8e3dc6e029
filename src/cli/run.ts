import { AppError, ERROR_CODES, toAppError } from '../domain/errors.ts'
import type { Start } from './context.ts'
import { printFailure } from './output.ts'

/**
 * Runs the command line.
 *
 * @returns the exit code: 0, 2 invalid input, 3 not allowed, 4 not found, 5 conflict, 1 anything else (spec §8).
 */
export async function run(argv: readonly string[], start: Start): Promise<number> {
  try {
    await runCommand(argv, start)
    return Number(process.exitCode ?? 0)
  } catch (thrown) {
    const error = toAppError(thrown)
    printFailure(error.code === 'internal' ? described(thrown) : error, argv.includes('--json'))
    return ERROR_CODES[error.code].exit
  }
}

/** At a terminal the user is the operator: there a defect says what it is. */
function described(thrown: unknown): AppError {
  return new AppError('internal', thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
}

async function runCommand(argv: readonly string[], start: Start): Promise<void> {
  // Clients start `stdio` each time a person opens them, and wait for it: its usual words need no parser.
  const words = argv.slice(2).join(' ')
  if (words === 'stdio' || words === 'stdio --read-only') {
    const { runStdio } = await import('./stdio.ts')
    return runStdio(start, { readOnly: words !== 'stdio' })
  }
  const { parseArguments } = await import('./program.ts')
  await parseArguments(argv, start)
}
