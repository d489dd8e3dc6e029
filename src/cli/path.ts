import * as z from 'zod'
import { invalidInput } from '../domain/errors.ts'
import { check } from '../domain/validation.ts'
import { path, serverUrl } from '../setting-kinds.ts'

/**
 * A path on the command line, by the rules of paths in settings: shells leave `~` alone where it does not begin a word,
 * as in `@~/values.json`, and programs that start others use no shell.
 *
 * @param name of the argument or option, for the message.
 * @throws AppError `invalid_input` for a path with a variable.
 */
export function pathArgument(name: string, text: string): string {
  return argument(name, path, text)
}

/**
 * The address of another server on the command line, without a trailing slash.
 *
 * @param name of the option, for the message.
 * @throws AppError `invalid_input` for what is no https address; http is for this machine only.
 */
export function serverArgument(name: string, text: string): string {
  return argument(name, serverUrl, text)
}

function argument(name: string, kind: z.ZodType<string>, text: string): string {
  const { data, errors } = check(z.object({ value: kind }), { value: text })
  if (data) return data.value
  throw invalidInput(
    errors.map(({ expected }) => ({ path: name, expected, message: `expected ${expected}.` })),
  )
}
