import * as z from 'zod'
import type { FieldError } from '../../domain/errors.ts'
import type { ParameterDefinition } from '../../domain/parameters.ts'
import { escapeForeignBraces } from '../../domain/template/escape.ts'
import { type TopicContent, TopicDefinition } from '../../domain/topic.ts'
import { check } from '../../domain/validation.ts'
import { PRODUCTION, PromptVersion } from './format.ts'
import { identifierFrom } from './names.ts'
import { textsOf, variablesIn, withNames } from './texts.ts'

/** Topics made of foreign prompts, what cannot be made one, and what a person should know of the rest. */
export interface ConvertedPrompts {
  contents: TopicContent[]
  errors: FieldError[]
  notes: string[]
}

/** What happens to braces that are no variables. */
export interface ForeignBraces {
  /** True to write them as literal braces; otherwise they are faults. */
  literal: boolean
}

/** Langfuse composes prompts of others by such references. */
const REFERENCE = '@@@langfusePrompt:'
/** Text to Langfuse; here an escape and a comment, which would vanish without a word. */
const OTHERWISE_READ = /\\\{\{|\{\{\s*!/

/**
 * Topics of the versions of prompts that Langfuse serves: those with the label `production`. Variables become required
 * parameters of the type string. Names that are no identifiers are mapped, in the texts too, and noted.
 *
 * @param versions as Langfuse exports them: all versions of all prompts, in any order.
 * @example topicsOf([{ name: 'Greeting', prompt: 'Hello {{userName}}', labels: ['production'] }], { literal: false })
 */
export function topicsOf(versions: unknown, braces: ForeignBraces): ConvertedPrompts {
  const { data, errors } = check(z.array(PromptVersion), versions)
  if (errors) return { contents: [], errors, notes: [] }
  const { served, notes } = servedVersions(data)
  const converted = served.map((version) => topicOf(version, braces))
  return {
    contents: converted.flatMap(({ contents }) => contents),
    errors: [...converted.flatMap(({ errors }) => errors), ...sharedIds(served)],
    notes: [...notes, ...converted.flatMap(({ notes }) => notes)],
  }
}

/** The version in production of each prompt. One that has no version number is meant as it stands. */
function servedVersions(versions: readonly PromptVersion[]) {
  const names = [...new Set(versions.map(({ name }) => name))]
  const served: PromptVersion[] = []
  const notes: string[] = []
  for (const name of names) {
    const all = versions.filter((version) => version.name === name)
    const [first] = all
    const production = all.find(({ labels }) => labels.includes(PRODUCTION))
    const chosen = production ?? (all.length === 1 && first?.version === undefined ? first : undefined)
    if (chosen) served.push(chosen)
    else notes.push(`${name}: left out, no version has the label "${PRODUCTION}".`)
  }
  return { served, notes }
}

function topicOf(version: PromptVersion, { literal }: ForeignBraces): ConvertedPrompts {
  const { name } = version
  const topic_id = identifierFrom(name)
  const said: string[] = []
  const { texts, notes } = textsOf(version.prompt)
  const errors = textErrors(name, texts, literal)
  if (topic_id === undefined) errors.push(noIdentifier(name))
  else if (topic_id !== name) said.push(`is topic ${topic_id}`)
  const names = new Map<string, string>()
  for (const variable of variablesIn(texts)) {
    const to = identifierFrom(variable)
    if (to === undefined) errors.push(noIdentifier(`${name}: {{${variable}}}`))
    else if ([...names.values()].includes(to)) errors.push(sameIdentifier(`${name}: {{${variable}}}`, to))
    else names.set(variable, to)
    if (to !== undefined && to !== variable) said.push(`{{${variable}}} is {{${to}}}`)
  }
  const parameters = [...names.values()].map(parameter)
  const { data: definition, errors: faults = [] } = check(TopicDefinition, {
    topic_id,
    topic_name: name,
    topic_type: 'single_shot',
    category: categoryOf(name),
    allowed_parameters: parameters,
    config: configOf(version, said),
  })
  errors.push(
    ...faults
      .filter(({ path }) => path !== 'topic_id')
      .map((fault) => ({ ...fault, path: `${name}: ${fault.path}` })),
  )
  const converted = Object.entries(texts).map(([type, text]) => {
    const renamed = withNames(text, names)
    return [type, literal ? escapeForeignBraces(renamed, parameters) : renamed]
  })
  const remarks = [...said, ...notes]
  return {
    contents: definition ? [{ definition, texts: Object.fromEntries(converted) }] : [],
    errors,
    notes: remarks.length > 0 ? [`${name}: ${remarks.join('; ')}.`] : [],
  }
}

function parameter(name: string): ParameterDefinition {
  return { name, type: 'string', required: true }
}

/** Langfuse has folders where topics have a category. */
function categoryOf(name: string): string {
  const folder = name.includes('/') ? identifierFrom(name.slice(0, name.lastIndexOf('/'))) : undefined
  return folder ?? 'imported'
}

/** The settings of the model under our names. All else is kept, the tags with it. */
function configOf({ config, tags }: PromptVersion, said: string[]): Record<string, unknown> {
  const kept = tags.length > 0 ? { tags } : {}
  if (config === null || config === undefined) return kept
  if (typeof config !== 'object' || Array.isArray(config)) {
    said.push('its config is no object and is left out')
    return kept
  }
  const { model, ...others } = config as Record<string, unknown>
  return { ...others, ...(model !== undefined && { default_model: model }), ...kept }
}

function textErrors(name: string, texts: Readonly<Record<string, string>>, isLiteral: boolean): FieldError[] {
  const errors: FieldError[] = []
  const holds = (isWrong: (text: string) => boolean, expected: string, message: string) => {
    if (Object.values(texts).some(isWrong)) errors.push({ path: name, expected, message })
  }
  const references = 'holds texts of other prompts by reference; import --from has Langfuse fill them in.'
  holds((text) => text.includes(REFERENCE), 'a text without references', references)
  const otherwise = 'holds \\{{ or {{!, which are no plain text here; --escape keeps them.'
  if (!isLiteral) holds((text) => OTHERWISE_READ.test(text), 'a text without escapes and comments', otherwise)
  return errors
}

/** Prompts whose names become one id. */
function sharedIds(versions: readonly PromptVersion[]): FieldError[] {
  const ids = versions.map(({ name }) => identifierFrom(name))
  return versions.flatMap(({ name }, index) => {
    const id = ids[index]
    const isRepeat = id !== undefined && ids.indexOf(id) < index
    return isRepeat ? [sameIdentifier(name, id)] : []
  })
}

function noIdentifier(path: string): FieldError {
  return { path, expected: 'a name with Latin letters or digits', message: 'cannot be made an identifier.' }
}

function sameIdentifier(path: string, id: string): FieldError {
  return { path, expected: 'another name', message: `would be "${id}", as another name already is.` }
}
