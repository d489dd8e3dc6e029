import * as z from 'zod'
import { AppError, invalidInput } from '../domain/errors.ts'
import {
  type AnswerFormat,
  formatSchema,
  type ModelHint,
  type ModelMessage,
  type ModelReply,
  type ModelUse,
  type TextListener,
} from '../domain/language-model.ts'
import type { ParameterStyle } from '../domain/parameters.ts'
import { MAX_RENDERED_BYTES } from '../domain/template/render.ts'
import type { PromptTexts, Topic } from '../domain/topic.ts'
import { check } from '../domain/validation.ts'
import { type JsonValue, withoutByteOrderMark } from '../util/json.ts'
import { jsonStringStream } from '../util/json-string-stream.ts'
import type { Catalog } from './catalog/catalog.ts'
import { DEFAULT_MAX_TOKENS, type ModelClient, type ModelSession } from './models.ts'
import { renderTexts } from './rendering.ts'

/** Types of topics that can be analysed. */
export const ANALYSABLE_TYPES = ['kpi_system', 'single_shot']
/** Errors of an invalid answer that the model and the operator are told. */
const MAX_ERRORS = 5
/** Characters of an invalid answer that the model is shown again. */
const MAX_SHOWN_CHARACTERS = 4_000

/** What only the model is told about a member; callers read the documentation. */
const modelHints = z.registry<ModelHint>()

/** An analysis, as the model must give it and as callers get it. */
export const Analysis = z.strictObject({
  analysis: z
    .string()
    .regex(/\S/)
    .max(100_000)
    .register(modelHints, { description: 'The analysis, as plain text or Markdown.', minLength: 1 }),
  recommendations: z
    .array(z.string().regex(/\S/).max(10_000).register(modelHints, { minLength: 1 }))
    .max(100)
    .register(modelHints, {
      description: 'What to do, the most important first; empty if nothing is to be done.',
    }),
  severity: z.enum(['info', 'warning', 'critical']),
})
export type Analysis = z.infer<typeof Analysis>

export const ANALYSIS_FORMAT: AnswerFormat = {
  name: 'give_analysis',
  description: 'Gives the finished analysis.',
  schema: formatSchema(Analysis, modelHints),
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
  /** Parameters that the topic does not have. They are ignored, because callers are deployed apart from prompts. */
  unknown: string[]
}

/**
 * Checks the parameters, fills in the prompts, asks the model, and checks its answer. An invalid answer is shown to the
 * model once for repair.
 *
 * @throws AppError `not_found`, `invalid_input`, `too_large`, `model_not_configured`, `model_error`, `rate_limited`.
 */
export async function analyze(
  { catalog, models }: { catalog: Catalog; models: ModelClient },
  topic_id: string,
  parameters: Readonly<Record<string, unknown>>,
  options: AnalysisOptions,
): Promise<FinishedAnalysis> {
  const topic = catalog.published(topic_id)
  if (!isAnalysable(topic)) throw wrongType(topic, ANALYSABLE_TYPES)
  return analyzeTexts(models, topic, await catalog.texts(topic), parameters, options)
}

/** Whether a topic's answers are analyses. */
export function isAnalysable({ topic_type }: Topic): boolean {
  return ANALYSABLE_TYPES.includes(topic_type)
}

/** The refusal of a topic whose type is none of `types`. */
export function wrongType({ topic_type }: Topic, types: readonly string[]): AppError {
  const expected = `a topic of type ${types.join(' or ')}`
  return invalidInput([{ path: 'topic_id', expected, message: `expected ${expected}, not ${topic_type}.` }])
}

/** {@link analyze} with given texts, whatever the topic's own are and in whatever state it is. */
export async function analyzeTexts(
  models: ModelClient,
  topic: Topic,
  texts: PromptTexts,
  parameters: Readonly<Record<string, unknown>>,
  { style, prefix, signal, listener }: AnalysisOptions,
): Promise<FinishedAnalysis> {
  const declared = new Set(topic.allowed_parameters.map(({ name }) => name))
  const entries = Object.entries(parameters)
  const declaredParameters = Object.fromEntries(entries.filter(([name]) => declared.has(name)))
  const { prompts, values } = renderTexts(topic, texts, declaredParameters, { style, prefix })
  const messages = messagesOf(prompts, values)
  return models.withModel(topic, signal, async (session) => {
    const request = {
      system: isBlank(prompts['system']) ? [] : [prompts['system'] as string],
      messages,
      maxTokens: topic.config.max_tokens ?? DEFAULT_MAX_TOKENS,
      temperature: topic.config.temperature,
      config: topic.config,
      format: ANALYSIS_FORMAT,
    }
    const analysis = await askForAnalysis(session, request, listener)
    const unknown = entries.map(([name]) => name).filter((name) => !declared.has(name))
    return { topic, analysis, use: session.use, unknown }
  })
}

type Request = Parameters<ModelSession['ask']>[0]

async function askForAnalysis(session: ModelSession, request: Request, listener: TextListener | undefined) {
  const preview = createPreview(listener)
  const first = await session.ask(request, preview.start(), preview.isShown)
  let checked = checkReply(first)
  if (!checked.analysis) {
    preview.reset()
    const repair = { ...request, messages: [...request.messages, ...repairMessages(first, checked.error)] }
    checked = checkReply(await session.ask(repair, preview.start(), preview.isShown))
  }
  if (!checked.analysis) {
    const message = `The model's answer is not valid, and its repair is not either: ${checked.error}`
    throw new AppError('model_error', message, { modelUse: session.use })
  }
  preview.finish(checked.analysis.analysis)
  return checked.analysis
}

/** Shows the listener the analysis' text while it is generated. */
function createPreview(listener: TextListener | undefined) {
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
    /** @returns receives the deltas of another answer; `undefined` when there is no listener. */
    start: () => (listener ? jsonStringStream('analysis', show) : undefined),
    /** Makes the text shown equal to the answer's: a model may, for example, have written the member twice. */
    finish(analysis: string) {
      if (!listener || text === analysis) return
      reset()
      show(analysis)
    },
  }
}

type CheckedReply = { analysis: Analysis; error?: never } | { analysis?: never; error: string }

/** @returns an error that does not quote the reply, which may hold what a log must not. */
function checkReply({ answers: [answer, ...more] }: ModelReply): CheckedReply {
  if (answer === undefined) return { error: 'there is none.' }
  if (more.length > 0) return { error: `there are ${more.length + 1} instead of one.` }
  let value: unknown
  try {
    value = JSON.parse(withoutByteOrderMark(answer))
  } catch {
    return { error: 'it is not JSON.' }
  }
  const { data, errors } = check(Analysis, value, MAX_ERRORS)
  if (!errors) return { analysis: data }
  const shown = errors.slice(0, MAX_ERRORS)
  return {
    error: shown.map(({ path, expected }) => `${path || 'the whole'}: expected ${expected}.`).join(' '),
  }
}

function repairMessages({ answers: [answer = ''] }: ModelReply, error: string): ModelMessage[] {
  const given = isBlank(answer) ? 'I gave no answer.' : answer.slice(0, MAX_SHOWN_CHARACTERS)
  return [
    { role: 'assistant', content: given },
    {
      role: 'user',
      content: `Your answer is not valid: ${error} Give it again with ${ANALYSIS_FORMAT.name}, in its exact shape.`,
    },
  ]
}

/** The topic's texts as a conversation that the user begins and ends, as models require. */
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

/** The question for a topic without a user text: models need a message of the user. */
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
