import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import type * as z from 'zod'
import { invalidInput } from '../domain/errors.ts'
import { operations } from '../operations/table.ts'
import { type Operation, pathFields } from '../pipeline/operation.ts'
import { coerce, typeOf } from '../transport/coerce.ts'
import { type CommandContext, localUser, seedsOf, withApp } from './context.ts'
import type { CommandIo } from './output.ts'
import { addParameterOptions, parametersOf, readText } from './parameters.ts'
import { pathArgument } from './path.ts'

/** Adds a command for every operation: `topics list`, `prompts render TOPIC_ID`, … */
export function addOperationCommands(program: Command, context: CommandContext): void {
  for (const operation of operations.filter(({ command }) => command !== false)) {
    const [noun, verb] = operation.name.split('.') as [string, string]
    const group =
      program.commands.find((command) => command.name() === noun) ??
      program.command(noun).description(`Work with ${noun}.`)
    // Operators have commands of their own for some.
    if (group.commands.some((command) => command.name() === verb)) continue
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
    if (name === 'parameters') addParameterOptions(command)
    else command.addOption(optionOf(name, field))
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
  const { parameters, parameterStyle } = await parametersOf(options, io)
  return { input: { ...input, ...(parameters !== undefined && { parameters }) }, parameterStyle }
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
