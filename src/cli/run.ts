import { AppError, ERROR_CODES, toAppError } from '../domain/errors.ts'
import type { CommandContext } from './context.ts'
import { type CommandIo, createTerminal } from './output.ts'

/**
 * Runs the command line.
 *
 * @param words what stands behind the program's name, for example `['topics', 'list']`.
 * @returns the exit code: 0, 2 invalid input, 3 not allowed, 4 not found, 5 conflict, 1 anything else.
 */
export async function run(words: readonly string[], io: CommandIo): Promise<number> {
  const terminal = createTerminal(io)
  try {
    return await runCommand(words, { io, terminal })
  } catch (thrown) {
    const error = toAppError(thrown)
    terminal.printFailure(error.code === 'internal' ? described(thrown) : error, words.includes('--json'))
    return ERROR_CODES[error.code].exit
  }
}

/** At a terminal the user is the operator: there a defect says what it is. */
function described(thrown: unknown): AppError {
  return new AppError('internal', thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
}

async function runCommand(words: readonly string[], context: CommandContext): Promise<number> {
  // Clients start `stdio` each time a person opens them, and wait for it: its usual words need no parser.
  const line = words.join(' ')
  if (line === 'stdio' || line === 'stdio --read-only') {
    const { runStdio } = await import('./stdio.ts')
    await runStdio(context, { readOnly: line !== 'stdio' })
    return 0
  }
  const { parseArguments } = await import('./program.ts')
  return parseArguments(words, context)
}
