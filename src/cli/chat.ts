import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import type { App } from '../app.ts'
import { invalidInput, toAppError } from '../domain/errors.ts'
import { getConversation } from '../operations/conversations/keep.ts'
import { cancelTurn, say, startConversation } from '../operations/conversations/talk.ts'
import { responseJson } from '../pipeline/result.ts'
import { escapeLineBreaks } from '../util/json.ts'
import { type CommandContext, localUser, seedsOf, withApp } from './context.ts'
import { linesOf } from './lines.ts'
import { type ParameterOptions, parametersOf } from './parameters.ts'

interface ChatOptions extends ParameterOptions {
  /** Id of the conversation to go on with. */
  resume?: string
  json?: boolean
}

/** `chat`: a conversation at the terminal, or through pipes; each line is a message. */
export async function runChat(
  context: CommandContext,
  topic_id: string | undefined,
  options: ChatOptions,
): Promise<void> {
  const { io, terminal } = context
  const { resume, json = false } = options
  if ((topic_id === undefined) === (resume === undefined)) {
    const expected = 'either a topic or --resume with the id of a conversation'
    throw invalidInput([{ path: 'topic_id', expected, message: `expected ${expected}.` }])
  }
  const { parameters, parameterStyle } = await parametersOf(options, io)
  await withApp(context, { seeds: seedsOf(io) }, async (app) => {
    const { data } =
      resume === undefined
        ? await app.execute(startConversation, { topic_id, parameters }, { ...newCall(), parameterStyle })
        : await app.execute(getConversation, { conversation_id: resume }, newCall())
    const { conversation_id } = data
    try {
      await talk(context, app, conversation_id, json)
    } finally {
      terminal.info(`Go on with: purposepath-prompts chat --resume ${conversation_id}`)
    }
  })
}

function newCall() {
  return { caller: localUser(), requestId: randomUUID() }
}

/** Answers line by line, until the last one, the last turn, `/quit` or Ctrl-C at the prompt. */
async function talk(
  { io, terminal }: CommandContext,
  { execute }: App,
  conversation_id: string,
  asJson: boolean,
): Promise<void> {
  const isPerson = io.stdin.isTTY === true
  // What is typed is shown on stderr: stdout has the answers alone.
  const typed = isPerson ? createInterface({ input: io.stdin, output: io.stderr, terminal: true }) : undefined
  let isAnswering = false
  let isStopped = false
  typed?.on('SIGINT', () => {
    if (!isAnswering) typed.close()
    if (!isAnswering || isStopped) return
    isStopped = true
    // If it fails, the answer comes.
    execute(cancelTurn, { conversation_id }, newCall()).catch(() => {})
  })

  /** @returns how many turns are left. */
  async function answer(content: string): Promise<number> {
    const printer = terminal.answerPrinter()
    const listener = asJson ? undefined : printer.listener
    try {
      const input = { conversation_id, content }
      const result = await execute(say, input, { ...newCall(), ...(listener && { listener }) })
      if (asJson) terminal.print(escapeLineBreaks(responseJson(result)))
      else printer.finish(result.data.message.content)
      return result.data.remaining_turns
    } catch (error) {
      printer.breakOff()
      throw error
    }
  }

  if (isPerson) terminal.info(terminal.colors.dim('Ctrl-C stops an answer; /quit or Ctrl-D ends.'))
  try {
    for await (const content of messagesIn(typed ?? linesOf(io.stdin), () => typed?.prompt())) {
      isAnswering = true
      isStopped = false
      try {
        if ((await answer(content)) > 0) continue
        terminal.info('That was the last turn of this conversation.')
        return
      } catch (error) {
        // A person can go on; a program has to hear of it.
        if (!isPerson) throw error
        if (isStopped) terminal.info(terminal.colors.dim('[stopped]'))
        else terminal.printFailure(toAppError(error), asJson)
      } finally {
        isAnswering = false
      }
    }
    // Behind the last prompt.
    if (isPerson) terminal.info('')
  } finally {
    typed?.close()
  }
}

/** The lines that are messages, up to `/quit`. */
async function* messagesIn(lines: AsyncIterable<string>, prompt: () => void): AsyncIterable<string> {
  prompt()
  for await (const line of lines) {
    if (line.trim() === '/quit') return
    if (line.trim() !== '') yield line
    prompt()
  }
}
