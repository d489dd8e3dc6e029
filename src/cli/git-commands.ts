import type { Command } from 'commander'
import type { CommandContext } from './context.ts'

/**
 * Adds the commands for prompts that are reviewed in git: check, diff, push and pull.
 *
 * @param setExitCode called when a command that has worked ends with another code than 0.
 */
export function addGitCommands(
  program: Command,
  context: CommandContext,
  setExitCode: (code: number) => void,
): void {
  const tokenFile = [
    '--token-file <path>',
    'File that holds the credential (default: PROMPTS_TOKEN).',
  ] as const
  program
    .command('check')
    .argument('<path>', 'The folder or file.')
    .description(
      'Check the topics of a folder or JSON file, without a store: names every fault, exits with 2.',
    )
    .option('--json', 'Print the result as JSON.')
    .action(async (path, options) => (await import('./check.ts')).runCheck(context, path, options))
  program
    .command('diff')
    .argument('<folder>', 'The folder or file.')
    .description('Show how topics differ from those of a running server; exits with 1 if they do.')
    .requiredOption('--to <url>', 'Address of the server, for example https://prompts.example.com.')
    .option(...tokenFile)
    .option('--json', 'Print the result as JSON.')
    .action(async (path, options) => {
      if (await (await import('./remote.ts')).runDiff(context, path, options)) setExitCode(1)
    })
  program
    .command('push')
    .argument('<folder>', 'The folder or file.')
    .description('Make the topics of a running server those of a folder; checks all of them first.')
    .requiredOption('--to <url>', 'Address of the server.')
    .option(...tokenFile)
    .option('--prune', 'Also delete what the folder does not have.')
    .option('--dry-run', 'Only say what would change.')
    .option('--json', 'Print the result as JSON.')
    .action(async (path, options) => (await import('./remote.ts')).runPush(context, path, options))
  program
    .command('pull')
    .argument('<folder>', 'The folder.')
    .description('Write the topics of a running server to a folder.')
    .requiredOption('--from <url>', 'Address of the server.')
    .option(...tokenFile)
    .option('--prune', 'Also remove files of what the server does not have.')
    .action(async (path, options) => (await import('./remote.ts')).runPull(context, path, options))
}
