import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { ERROR_CODES } from '../domain/errors.ts'
import type { CommandContext } from './context.ts'
import { addGitCommands } from './git-commands.ts'
import { addParameterOptions } from './parameters.ts'

/**
 * Runs the command that the words name. Help, versions and wrong words are dealt with here.
 *
 * @returns the exit code.
 */
export async function parseArguments(words: readonly string[], context: CommandContext): Promise<number> {
  const program = new Command('purposepath-prompts')
    .description(packageJson.description)
    .version(packageJson.version)
    .exitOverride()
    .configureOutput(context.terminal.help)
  let exitCode = 0
  addServers(program, context)
  addDataCommands(program, context)
  addGitCommands(program, context, (code) => {
    exitCode = code
  })
  addKeyCommands(program, context)
  addSignInCommands(program, context)
  addChat(program, context)
  addConversationCommands(program, context)
  program
    .command('doctor')
    .description('Check everything the program needs and say how to fix what is missing.')
    .option('--url <url>', 'Check the server at this address instead, as its clients see it.')
    .option('--token-file <path>', 'With --url: file that holds a key or token (default: PROMPTS_TOKEN).')
    .option('--hold <time>', 'With --url: how long a stream must stay open (default: 35s).')
    .action(async (options) => {
      if (!(await (await import('./doctor.ts')).runDoctor(context, options))) exitCode = 1
    })
  if (!['stdio', 'serve'].includes(words[0] ?? '')) {
    const { addOperationCommands } = await import('./operations.ts')
    addOperationCommands(program, context)
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    return thrown.exitCode === 0 ? 0 : ERROR_CODES.invalid_input.exit
  }
}

// What a command does is loaded when it runs, so that each start loads only its own.

function addServers(program: Command, context: CommandContext): void {
  program
    .command('stdio')
    .description('Serve one MCP client over stdin and stdout.')
    .option('--read-only', 'Offer only what reads.')
    .action(async (options) => (await import('./stdio.ts')).runStdio(context, options))
  program
    .command('serve')
    .description('Serve MCP, REST and their documentation over HTTP.')
    .option('--host <address>', 'Address to listen on (PROMPTS_HOST, default 127.0.0.1).')
    .option('--port <number>', 'Port to listen on (PROMPTS_PORT, default 3000; 0: any free one).')
    .action(async (options) => (await import('./serve.ts')).runServe(context, options))
}

function addDataCommands(program: Command, context: CommandContext): void {
  program
    .command('seed')
    .description('Add the topics that come with the program; bring untouched ones up to date.')
    .option('--json', 'Print the result as JSON.')
    .action(async (options) => (await import('./data.ts')).runSeed(context, options))
  program
    .command('import')
    .argument('[path]', 'The folder or file.')
    .description(
      'Bring in the topics of a folder in the layout of seeds/, of a JSON file or of Langfuse: all, or none if any is faulty.',
    )
    .option(
      '--from <url>',
      'Read from Langfuse at this address; LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are the keys.',
    )
    .option('--dry-run', 'Only say what would change.')
    .option('--escape', 'Write \\{{ where a text has braces that are no declared variable.')
    .option('--json', 'Print the result as JSON.')
    .action(async (path, options) => (await import('./data.ts')).runImport(context, path, options))
  program
    .command('export')
    .argument('<path>', 'The folder, or a name that ends in .json.')
    .description(
      'Write all topics to a folder in the layout of seeds/, or to one file if PATH ends in .json.',
    )
    .option('--format <name>', 'purposepath (default), or langfuse for the file that its import takes.')
    .action(async (path, options) => (await import('./data.ts')).runExport(context, path, options))
  program
    .command('provision')
    .description('Make or complete the AWS resources of a stage: tables, bucket and secrets.')
    .option('--json', 'Print the result as JSON.')
    .action(async (options) => (await import('./provision.ts')).runProvision(context, options))
}

function addChat(program: Command, context: CommandContext): void {
  const chat = program
    .command('chat')
    .argument('[topic_id]', 'A coaching topic.')
    .description('Talk with the coach of a topic. Each line is a message; through pipes, too.')
    .option('--resume <id>', 'Go on with a conversation instead of starting one.')
    .option('--json', 'Print each answer as one line of JSON.')
  addParameterOptions(chat).action(async (topic_id, options) =>
    (await import('./chat.ts')).runChat(context, topic_id, options),
  )
}

function addKeyCommands(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('API keys for HTTP clients.')
  keys
    .command('create')
    .description('Make a key and print it alone on stdout.')
    .requiredOption('--name <name>', 'Whose key it is.')
    .option('--ttl <time>', 'How long it is valid, for example 30m, 12h or 90d (default: until revoked).')
    .action(async (options) => (await import('./keys.ts')).createKey(context, options))
  keys
    .command('list')
    .description('List all keys by their prefix.')
    .option('--json', 'Print the result as JSON.')
    .action(async (options) => (await import('./keys.ts')).listKeys(context, options))
  keys
    .command('revoke')
    .argument('[id-or-name]', 'The key.')
    .description('Withdraw a key, in running servers too within a second (AWS: 30 seconds).')
    .option('--previous', 'Withdraw the key that the last rotation has replaced (AWS).')
    .action(async (idOrName, options) => (await import('./keys.ts')).revokeKey(context, idOrName, options))
  keys
    .command('rotate')
    .description(
      'Replace the rotating key (AWS), which takes a minute, and print the new one alone on stdout.',
    )
    .action(async () => (await import('./keys.ts')).rotateKey(context))
}

function addSignInCommands(program: Command, context: CommandContext): void {
  program
    .command('token')
    .description('Sign a token (JWT) with the local secret and print it alone on stdout.')
    .option('--role <role>', 'admin, service or user (default: admin).')
    .option('--sub <subject>', 'Whose token it is (default: you).')
    .option('--tenant <tenant>', 'The tenant that it belongs to.')
    .option('--ttl <time>', 'How long it is valid, for example 30m, 12h or 90d (default: 1h, at most 365d).')
    .action(async (options) => (await import('./token.ts')).printToken(context, options))
  program
    .command('login')
    .description('Print a link that signs a browser in, once, on stdout.')
    .option('--host <address>', 'Address that the server listens on (PROMPTS_HOST, default 127.0.0.1).')
    .option('--port <number>', 'Port that the server listens on (PROMPTS_PORT, default 3000).')
    .action(async (options) => (await import('./login.ts')).printSignInLink(context, options))
}

/** For operators, who act on the conversations of any owner. */
function addConversationCommands(program: Command, context: CommandContext): void {
  const conversations = program.command('conversations').description('Conversations, by their owner.')
  const ofOwner = (name: string, description: string) =>
    conversations
      .command(name)
      .description(description)
      .requiredOption('--sub <subject>', 'Whose conversations: the subject of their tokens.')
      .option('--tenant <tenant>', 'The tenant that they belong to (default: none).')
  ofOwner('list', 'List the conversations of an owner, without messages.')
    .option('--json', 'Print the result as JSON.')
    .action(async (options) => (await import('./conversations.ts')).listConversations(context, options))
  ofOwner('export', 'Print the conversations of an owner whole, each as one line of JSON.')
    .option('--id <id>', 'Only this one.')
    .action(async (options) => (await import('./conversations.ts')).exportConversations(context, options))
  ofOwner('erase', 'Remove every byte of the conversations of an owner. They cannot be brought back.')
    .option('--id <id>', 'Only this one (default: all).')
    .option('--json', 'Print the receipt as JSON.')
    .action(async (options) => (await import('./conversations.ts')).eraseConversations(context, options))
}
