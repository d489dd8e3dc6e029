import { type Config, loadConfig } from '../config.ts'
import type { Step } from '../deployment/aws/provision/properties.ts'
import { AppError } from '../domain/errors.ts'
import { type CommandContext, ownBackend } from './context.ts'

/** A large table takes minutes for an index; this is longer than any that has as many topics as fit. */
const MAX_WAIT_MS = 15 * 60_000
const WIDEST_OUTCOME = 'not supported'.length

/** `provision`: makes or completes tables, bucket and secrets of a stage, and says what comes next. */
export async function runProvision(
  context: CommandContext,
  { json = false }: { json?: boolean },
): Promise<void> {
  const { print, info } = context.terminal
  const config = loadConfig(context.io.env)
  const backend = await ownBackend(context, config)
  if (!backend.provision) {
    const message =
      'There is nothing to provision: topics are kept in files. With PROMPTS_STORE=aws this makes tables, bucket and secrets.'
    throw new AppError('invalid_input', message)
  }
  const steps: Step[] = []
  try {
    await backend.provision({
      maxWaitMs: MAX_WAIT_MS,
      onWait: (what) => info(`Waiting: ${what}.`),
      report(step) {
        steps.push(step)
        if (!json) print(lineOf(step))
      },
    })
  } finally {
    // Also what was done before a failure.
    if (json) print(JSON.stringify({ data: steps }, null, 2))
  }
  info(nextSteps(config))
}

function lineOf({ resource, part, outcome, why }: Step): string {
  const what = part === undefined ? resource : `${resource}: ${part}`
  return `${outcome.padEnd(WIDEST_OUTCOME)}  ${what}${why === undefined ? '' : ` (${why})`}`
}

function nextSteps({ stage, aws }: Config): string {
  return `
Stage ${stage} is ready. Next:
  purposepath-prompts seed                      adds the example topics
  purposepath-prompts serve                     serves them
  purposepath-prompts keys create --name NAME   makes an API key for a service
The first API key is in the secret ${aws.apiKeySecret}, under "api_key".`
}
