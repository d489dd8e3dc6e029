import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { invalidInput } from '../domain/errors.ts'
import type { ParameterStyle } from '../domain/parameters.ts'
import { decodeUtf8 } from '../util/json.ts'
import type { CommandIo } from './output.ts'
import { pathArgument } from './path.ts'

/** A topic's parameters in the words of the command line. */
export interface ParameterOptions {
  param?: string[]
  parameters?: string
}

export function addParameterOptions(command: Command): Command {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  return command
    .option('--param <name=value>', 'One parameter, as text; repeat for more.', collect)
    .option('--parameters <json>', 'All parameters as JSON, or @file, or - for stdin.')
}

/**
 * The parameters that were given, and how.
 *
 * @returns `parameters` is `undefined` when none were.
 * @throws AppError `invalid_input`
 */
export async function parametersOf(
  { param: pairs = [], parameters: json }: ParameterOptions,
  io: CommandIo,
): Promise<{ parameters?: unknown; parameterStyle: ParameterStyle }> {
  if (pairs.length > 0 && json !== undefined) {
    throw invalidInput([
      { path: 'parameters', expected: '--param or --parameters', message: 'was given in both ways.' },
    ])
  }
  if (pairs.length > 0) return { parameters: fromPairs(pairs), parameterStyle: 'text' }
  return { ...(json !== undefined && { parameters: await fromJson(json, io) }), parameterStyle: 'json' }
}

function fromPairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1)
        throw invalidInput([{ path: 'param', expected: 'name=value', message: 'expected name=value.' }])
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

async function fromJson(source: string, io: CommandIo): Promise<unknown> {
  const refused = (message: string) =>
    invalidInput([{ path: 'parameters', expected: 'a JSON object, @file or -', message }])
  let text = source
  if (source === '-' || source.startsWith('@')) {
    const file = pathArgument('parameters', source.replace(/^@/, ''))
    try {
      text = await readText(file, io)
    } catch (error) {
      throw refused(`cannot be read: ${(error as Error).message}`)
    }
  }
  try {
    return JSON.parse(text)
  } catch {
    throw refused('is not JSON.')
  }
}

/** The text of a file, or of stdin for `-`; invalid UTF-8 is refused, not replaced. */
export async function readText(path: string, io: CommandIo): Promise<string> {
  const bytes = path === '-' ? await buffer(io.stdin) : readFileSync(path)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new Error('it is not valid UTF-8')
  return text
}
