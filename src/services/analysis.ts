import * as z from 'zod'
import { AppError, invalidInput } from '../domain/errors.ts'
import type { JsonValue } from '../domain/json.ts'
import { jsonStringStream } from '../domain/json-string-stream.ts'
import type {
  AnswerFormat,
  ModelMessage,
  ModelReply,
  ModelUse,
  TextListener,
} from '../domain/language-model.ts'
import type { ParameterStyle } from '../domain/parameters.ts'
import { MAX_RENDERED_BYTES } from '../domain/template/render.ts'
import type { PromptTexts, Topic } from '../domain/topic.ts'
import { check } from '../domain/validation.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { ModelClient, ModelSession } from './models.ts'
import { renderTopic } from './rendering.ts'

/** Types of topics that can be analysed. */
const ANALYSED = ['kpi_system', 'single_shot']
const DEFAULT_MAX_TOKENS = 2_048
/** Faults of an answer that are told. */
const MAX_FAULTS_TOLD = 5
/** Of a faulty answer so much is shown to the model again. */
const MAX_SHOWN_CHARACTERS = 4_000

/** An analysis, as the model must give it and as callers get it (spec §6). */
export const Analysis = z.strictObject({
  analysis: z.string().regex(/\S/).max(100_000),
  recommendations: z.array(z.string().regex(/\S/).max(10_000)).max(100),
  severity: z.enum(['info', 'warning', 'critical']),
})
export type Analysis = z.infer<typeof Analysis>

const FORMAT: AnswerFormat = {
  name: 'give_analysis',
  description: 'Gives the finished analysis.',
  schema: {
    type: 'object',
    properties: {
      analysis: { type: 'string', description: 'The analysis, as plain text or Markdown.' },
      recommendations: {
        type: 'array',
        items: { type: 'string' },
        description: 'What to do, the most important first; empty if nothing is to be done.',
      },
      severity: { type: 'string', enum: ['info', 'warning', 'critical'] },
    },
    required: ['analysis', 'recommendations', 'severity'],
  },
}

export interface AnalysisOptions {
  style: ParameterStyle
  /** Path of the parameters in the surface's input. */
  prefix: string
  signal?: AbortSignal | undefined
  listener?: TextListener | undefined
}

export interface FinishedAnalysis {
  topic: Topic
  analysis: Analysis
  use: ModelUse
  /** Parameters that the topic does not have: ignored, because callers are deployed apart from prompts (spec §2). */
  unknown: string[]
}

/**
 * Checks the parameters, fills in the prompts, asks the model, and checks its answer; a faulty one is shown to the
 * model once for repair.
 *
 * @throws AppError `not_found`, `invalid_input`, `too_large`, `model_not_configured`, `model_error`, `rate_limited`.
 */
export async function analyze(
  { catalog, models }: { catalog: Catalog; models: ModelClient },
  topic_id: string,
  parameters: Readonly<Record<string, unknown>>,
  { style, prefix, signal, listener }: AnalysisOptions,
): Promise<FinishedAnalysis> {
  const { topic_type, allowed_parameters } = catalog.published(topic_id)
  if (!ANALYSED.includes(topic_type)) {
    const expected = `a topic of type ${ANALYSED.join(' or ')}`
    throw invalidInput([{ path: 'topic_id', expected, message: `expected ${expected}, not ${topic_type}.` }])
  }
  const declared = new Set(allowed_parameters.map(({ name }) => name))
  const entries = Object.entries(parameters)
  const known = Object.fromEntries(entries.filter(([name]) => declared.has(name)))
  const { topic, prompts, values } = await renderTopic(catalog, topic_id, known, { style, prefix })
  const messages = messagesOf(prompts, values)
  return models.withModel(topic, signal, async (asking) => {
    const request = {
      system: isBlank(prompts['system']) ? [] : [prompts['system'] as string],
      messages,
      maxTokens: topic.config.max_tokens ?? DEFAULT_MAX_TOKENS,
      temperature: topic.config.temperature,
      config: topic.config,
      format: FORMAT,
    }
    const analysis = await askForAnalysis(asking, request, listener)
    const unknown = entries.map(([name]) => name).filter((name) => !declared.has(name))
    return { topic, analysis, use: asking.use, unknown }
  })
}

type Request = Parameters<ModelSession['ask']>[0]

async function askForAnalysis(asking: ModelSession, request: Request, listener: TextListener | undefined) {
  const shown = shownTo(listener)
  const first = await asking.ask(request, shown.next(), shown.isShown)
  let checked = checkReply(first)
  if (!checked.analysis) {
    shown.reset()
    const repair = { ...request, messages: [...request.messages, ...repairMessages(first, checked.fault)] }
    checked = checkReply(await asking.ask(repair, shown.next(), shown.isShown))
  }
  if (!checked.analysis) {
    const message = `The model's answer is not valid, and its repair is not either: ${checked.fault}`
    throw new AppError('model_error', message, { modelUse: asking.use })
  }
  shown.settle(checked.analysis.analysis)
  return checked.analysis
}

/** Shows the text of answers while they come. */
function shownTo(listener: TextListener | undefined) {
  let text = ''
  const show = (more: string) => {
    text += more
    listener?.onText(more)
  }
  const reset = () => {
    if (text !== '') listener?.onReset()
    text = ''
  }
  return {
    isShown: () => text !== '',
    reset,
    /** Begins another answer. */
    next: () => (listener ? jsonStringStream('analysis', show) : undefined),
    /** Sees that what was shown is what is answered: a model may, say, write a member twice. */
    settle(answered: string) {
      if (!listener || text === answered) return
      reset()
      show(answered)
    },
  }
}

type CheckedReply = { analysis: Analysis; fault?: never } | { analysis?: never; fault: string }

/** What is wrong with a reply is said without quoting it: it may hold what a log must not. */
function checkReply({ answers: [answer, ...more] }: ModelReply): CheckedReply {
  if (answer === undefined) return { fault: 'there is none.' }
  if (more.length > 0) return { fault: `there are ${more.length + 1} instead of one.` }
  let value: unknown
  try {
    value = JSON.parse(answer)
  } catch {
    return { fault: 'it is not JSON.' }
  }
  const { data, errors: faults } = check(Analysis, value, MAX_FAULTS_TOLD)
  if (!faults) return { analysis: data }
  const told = faults.slice(0, MAX_FAULTS_TOLD)
  return {
    fault: told.map(({ path, expected }) => `${path || 'the whole'}: expected ${expected}.`).join(' '),
  }
}

function repairMessages({ answers: [answer = ''] }: ModelReply, fault: string): ModelMessage[] {
  const given = isBlank(answer) ? 'I gave no answer.' : answer.slice(0, MAX_SHOWN_CHARACTERS)
  return [
    { role: 'assistant', content: given },
    {
      role: 'user',
      content: `Your answer is not valid: ${fault} Give it again with ${FORMAT.name}, in its exact shape.`,
    },
  ]
}

/** The topic's texts as a conversation in which the first and the last word are the user's (spec §6). */
function messagesOf(prompts: PromptTexts, values: Readonly<Record<string, JsonValue>>): ModelMessage[] {
  const { user, assistant } = prompts
  const question = isBlank(user) ? neutralQuestion(values) : (user as string)
  if (isBlank(assistant)) return [{ role: 'user', content: question }]
  return [
    { role: 'user', content: 'Please begin.' },
    { role: 'assistant', content: assistant as string },
    { role: 'user', content: question },
  ]
}

/** Models need a message of the user; a topic may have none. */
function neutralQuestion(values: Readonly<Record<string, JsonValue>>): string {
  if (Object.keys(values).length === 0) return 'Please give your analysis.'
  const data = JSON.stringify(values)
  if (Buffer.byteLength(data) > MAX_RENDERED_BYTES) {
    throw new AppError('too_large', 'The rendered prompt is larger than 1 MiB.')
  }
  return `Please give your analysis of this data:\n\n${data}`
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === ''
}
