import type { Message, PromptVersion } from './format.ts'
import { identifierFrom } from './names.ts'

/** Langfuse's variables: a name in double braces. Other braces are text to it. */
const VARIABLE = /\{\{\s*([A-Za-z_]\w*)\s*\}\}/g
/** What the other roles of OpenAI's API are called here. */
const ROLES: Readonly<Record<string, string>> = { developer: 'system' }

/** The texts of a prompt by prompt type, and what a person should know of how they came about. */
export interface ConvertedTexts {
  texts: Record<string, string>
  notes: string[]
}

/**
 * A text prompt is the `user` text. Messages become texts by their roles: neighbours of one role are one text, and a
 * role that comes again has a number (`user_2`).
 */
export function textsOf(prompt: PromptVersion['prompt']): ConvertedTexts {
  if (typeof prompt === 'string') return { texts: { user: prompt }, notes: [] }
  const texts: Record<string, string> = {}
  const notes: string[] = []
  let last: { role: string; type: string } | undefined
  for (const message of prompt) {
    if (isPlaceholder(message)) {
      notes.push(`the placeholder "${message.name}" is left out`)
      continue
    }
    const role = identifierFrom(ROLES[message.role] ?? message.role) ?? 'user'
    if (last?.role === role) {
      texts[last.type] += `\n\n${message.content}`
      notes.push(`neighbouring ${role} messages are one text`)
      continue
    }
    const type = freeType(role, texts)
    if (type !== role)
      notes.push(`another ${role} message is kept as "${type}", which MCP prompts do not show`)
    texts[type] = message.content
    last = { role, type }
  }
  return { texts, notes: [...new Set(notes)] }
}

function isPlaceholder(message: Message): message is Extract<Message, { type: 'placeholder' }> {
  return message['type'] === 'placeholder'
}

function freeType(role: string, texts: object): string {
  let type = role
  for (let number = 2; Object.hasOwn(texts, type); number++) type = `${role}_${number}`
  return type
}

/** The variables of a text, each once, in the order in which they come. */
export function variablesIn(texts: Readonly<Record<string, string>>): string[] {
  const names = Object.values(texts).flatMap((text) => [...text.matchAll(VARIABLE)].map(([, name]) => name))
  return [...new Set(names)] as string[]
}

/** The text with its variables under their new names. */
export function withNames(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(VARIABLE, (tag, name: string) => {
    const to = names.get(name)
    return to === undefined || to === name ? tag : `{{${to}}}`
  })
}
