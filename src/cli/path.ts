import * as z from 'zod'
import { invalidInput } from '../domain/errors.ts'
import { check } from '../domain/validation.ts'
import { path } from '../setting-kinds.ts'

/**
 * A path on the command line, by the rules of paths in settings: shells leave `~` alone where it does not begin a word,
 * as in `@~/values.json`, and programs that start others use no shell.
 *
 * @param name of the argument or option, for the message.
 * @throws AppError `invalid_input` for a path with a variable.
 */
export function pathArgument(name: string, text: string): string {
  const { data, errors } = check(z.object({ path }), { path: text })
  if (data) return data.path
  throw invalidInput(
    errors.map(({ expected }) => ({ path: name, expected, message: `expected ${expected}.` })),
  )
}
