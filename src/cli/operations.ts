import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import type * as z from 'zod'
import { invalidInput } from '../domain/errors.ts'
import { decodeUtf8 } from '../domain/json.ts'
import { operations } from '../operations/table.ts'
import { type Operation, pathFields } from '../pipeline/operation.ts'
import { coerce, typeOf } from '../transport/coerce.ts'
import { type CommandContext, localUser, seedsOf, withApp } from './context.ts'
import type { CommandIo } from './output.ts'
import { pathArgument } from './path.ts'

/** Adds a command for every operation: `topics list`, `prompts render TOPIC_ID`, … */
export function addOperationCommands(program: Command, context: CommandContext): void {
  for (const operation of operations.filter(({ command }) => command !== false)) {
    const [noun, verb] = operation.name.split('.') as [string, string]
    const group =
      program.commands.find((command) => command.name() === noun) ??
      program.command(noun).description(`Work with ${noun}.`)
    addOperationCommand(group, verb, operation, context)
  }
}

function addOperationCommand(
  group: Command,
  verb: string,
  operation: Operation,
  context: CommandContext,
): void {
  const command = group.command(verb).description(operation.summary)
  const positional = pathFields(operation)
  for (const name of positional) command.argument(`<${name}>`, operation.input.shape[name]?.description)
  for (const [name, field] of Object.entries(operation.input.shape) as [string, z.ZodType][]) {
    if (positional.includes(name)) continue
    if (name === 'parameters') {
      command.option('--param <name=value>', 'One parameter, as text; repeat for more.', collect)
      command.option('--parameters <json>', 'All parameters as JSON, or @file, or - for stdin.')
    } else command.addOption(optionOf(name, field))
    if (name === 'content')
      command.option('--file <path>', 'Read the text from a file (default: from stdin).')
  }
  command.option('--json', 'Print the answer as JSON.')
  command.action(async (...received: unknown[]) => {
    // Commander hands over the positionals, then the options, then the command.
    const options = received[positional.length] as Record<string, unknown>
    const named = Object.fromEntries(positional.map((name, index) => [name, received[index]]))
    await runOperation(operation, named, options, context)
  })
}

async function runOperation(
  operation: Operation,
  named: Record<string, unknown>,
  options: Record<string, unknown>,
  context: CommandContext,
): Promise<void> {
  const { io, terminal } = context
  const { input, parameterStyle } = await inputOf(operation, named, options, io)
  await withApp(context, { seeds: seedsOf(io) }, async ({ execute }) => {
    const asJson = options['json'] === true
    const listener = operation.streams && !asJson ? terminal.liveText() : undefined
    const call = {
      caller: localUser(),
      requestId: randomUUID(),
      parameterStyle,
      ...(listener && { listener }),
    }
    terminal.printAnswer(await execute(operation, input, call), asJson)
  })
}

function optionOf(name: string, field: z.ZodType): Option {
  const type = typeOf(field)
  const flag = `--${name.replaceAll('_', '-')}`
  return new Option(
    type === 'boolean' ? `${flag} [true|false]` : `${flag} <${type === 'string' ? 'text' : type}>`,
    field.description,
  )
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

/** The operation's input from the words of the command line. */
async function inputOf(
  operation: Operation,
  named: Record<string, unknown>,
  options: Record<string, unknown>,
  io: CommandIo,
) {
  const input: Record<string, unknown> = { ...named }
  for (const [name, field] of Object.entries(operation.input.shape) as [string, z.ZodType][]) {
    const given = options[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]
    if (name !== 'parameters' && given !== undefined)
      input[name] = typeof given === 'string' ? coerce(typeOf(field), given) : given
  }
  if ('content' in operation.input.shape) input['content'] ??= await readContent(options['file'], io)
  const pairs = (options['param'] ?? []) as string[]
  const json = options['parameters'] as string | undefined
  if (pairs.length > 0 && json !== undefined) {
    throw invalidInput([
      { path: 'parameters', expected: '--param or --parameters', message: 'was given in both ways.' },
    ])
  }
  if (pairs.length > 0)
    return { input: { ...input, parameters: fromPairs(pairs) }, parameterStyle: 'text' as const }
  if (json !== undefined) input['parameters'] = await fromJson(json, io)
  return { input, parameterStyle: 'json' as const }
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

async function readContent(given: unknown, io: CommandIo): Promise<string | undefined> {
  const file = typeof given === 'string' ? pathArgument('file', given) : undefined
  try {
    if (file !== undefined) return await readText(file, io)
    // Nothing on stdin is more likely a mistake than an empty text, which --content and --file can give.
    return (await readText('-', io)) || undefined
  } catch (error) {
    throw invalidInput([
      { path: 'content', expected: 'a text', message: `cannot be read: ${(error as Error).message}` },
    ])
  }
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
async function readText(path: string, io: CommandIo): Promise<string> {
  const bytes = path === '-' ? await buffer(io.stdin) : readFileSync(path)
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new Error('it is not valid UTF-8')
  return text
}
