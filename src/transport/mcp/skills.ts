import { hash } from 'node:crypto'
import type { Result as McpResult } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { notFound } from '../../domain/errors.ts'
import { describeParameter } from '../../domain/parameters.ts'
import type { PromptTexts, Topic } from '../../domain/topic.ts'
import { defineOperation } from '../../pipeline/operation.ts'
import { Cursor, pageOf } from '../../pipeline/paging.ts'
import type { Catalog } from '../../services/catalog/catalog.ts'
import { BRIEFLY, executeOperation, type McpContext, type Params } from './context.ts'
import { topicsThat } from './topics.ts'
import { canonicalUri } from './uris.ts'

// Topics as skills (MCP extension io.modelcontextprotocol/skills, SEP-2640): each active topic with a description is a
// folder with one file, SKILL.md.

export const SKILLS_EXTENSION = 'io.modelcontextprotocol/skills'

const PAGE_SIZE = 500
/** Names of skills: 1–64 lower-case letters, digits and single hyphens. */
const SKILL_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/
/** Most characters of a skill's description; topics may have longer ones. */
const MAX_DESCRIPTION = 1_024
const SKILL_URI = /^skill:\/\/([a-z0-9-]+)\/SKILL\.md$/

/** An entry of `skills/list`. */
interface Skill {
  uri: string
  frontmatter: { name: string; description: string }
  resources: { uri: string; digest: string; size: number }[]
}
interface SkillFile {
  entry: Skill
  text: string
}

const list = defineOperation({
  name: 'mcp.skills.list',
  title: 'List MCP skills',
  summary: 'One skill for each active topic with a description.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'none',
  input: z.object({ cursor: Cursor }),
  output: z.custom<Skill[]>(Array.isArray),
  async run({ catalog }, { cursor }) {
    const { page, ...more } = pageOf(skillTopics(catalog), cursor, PAGE_SIZE)
    const files = await Promise.all(page.map((topic) => skillOf(catalog, topic)))
    return { data: files.map(({ entry }) => entry), ...more }
  },
})

const read = defineOperation({
  name: 'mcp.skills.read',
  title: 'Read MCP skill',
  summary: 'The entry of a skill, and its SKILL.md.',
  role: 'service',
  effect: 'read',
  limit: 'retrieval',
  cache: 'none',
  input: z.object({ topic_id: z.string() }),
  output: z.custom<SkillFile>((value) => typeof value === 'object'),
  async run({ catalog }, { topic_id }) {
    const topic = catalog.published(topic_id)
    if (!skillUri(topic)) throw notFound(topic_id)
    return { data: await skillOf(catalog, topic), served: [topic_id] }
  },
})

// The SDK's server adds the hints of the protocol's own methods only, so the answers of these two have theirs.

export async function listSkills(context: McpContext, { cursor }: Params): Promise<McpResult> {
  const { data, meta } = await executeOperation(context, list, { cursor })
  const next = meta?.next_cursor !== undefined && { nextCursor: meta.next_cursor }
  return { skills: data, ...next, ...BRIEFLY }
}

export async function getSkill(context: McpContext, { uri }: Params): Promise<McpResult> {
  const { data } = await executeOperation(context, read, {
    topic_id: topicOfSkill(canonicalUri(String(uri))) ?? '',
  })
  return { skill: data.entry, ...BRIEFLY }
}

/** The SKILL.md of a topic. */
export async function readSkill(context: McpContext, topic_id: string) {
  const { data, meta } = await executeOperation(context, read, { topic_id })
  return { data: { text: data.text, mimeType: 'text/markdown' }, meta }
}

/** The id of the topic whose SKILL.md a canonical URI names. */
export function topicOfSkill(uri: string): string | undefined {
  return SKILL_URI.exec(uri)?.[1]?.replaceAll('-', '_')
}

/** URI of the SKILL.md of a topic, if it is a skill. */
export function skillUri({ topic_id, description, is_active }: Topic): string | undefined {
  const name = topic_id.replaceAll('_', '-')
  return is_active && description && SKILL_NAME.test(name) ? `skill://${name}/SKILL.md` : undefined
}

const skillTopics = topicsThat((topic) => skillUri(topic) !== undefined)

const files = new WeakMap<Topic, SkillFile>()

/** The file is made once for each record, and its digest with it. */
async function skillOf(catalog: Catalog, topic: Topic): Promise<SkillFile> {
  let file = files.get(topic)
  if (!file) {
    file = skillFile(topic, await catalog.texts(topic))
    files.set(topic, file)
  }
  return file
}

function skillFile(topic: Topic, texts: PromptTexts): SkillFile {
  const uri = skillUri(topic) as string
  const name = topic.topic_id.replaceAll('_', '-')
  const description = shortened(topic.description as string)
  const text = skillMarkdown(topic, { name, description }, texts)
  const digest = `sha256:${hash('sha256', text)}`
  const resources = [{ uri, digest, size: Buffer.byteLength(text) }]
  return { text, entry: { uri, frontmatter: { name, description }, resources } }
}

function shortened(description: string): string {
  const characters = [...description]
  return characters.length > MAX_DESCRIPTION
    ? `${characters.slice(0, MAX_DESCRIPTION - 1).join('')}…`
    : description
}

/** Front matter is YAML, of which every JSON string is one. */
function skillMarkdown(
  { topic_id, topic_name, allowed_parameters }: Topic,
  { name, description }: Skill['frontmatter'],
  texts: PromptTexts,
): string {
  const parameters = allowed_parameters.map((one) => `- \`${one.name}\`: ${describeParameter(one)}`)
  const parts = [
    `---\nname: ${name}\ndescription: ${JSON.stringify(description)}\n---`,
    `# ${topic_name}`,
    '## Parameters',
    parameters.length > 0 ? parameters.join('\n') : 'None.',
    '## How to have the texts filled in',
    `Call the tool \`render_prompts\` with \`{"topic_id": "${topic_id}", "parameters": {…}}\`, or get the prompt ` +
      `\`${topic_id}\` (\`prompts/get\`) with the parameters as arguments. Below are the texts as they are stored, with ` +
      'their {{variables}}.',
    ...Object.entries(texts).map(([type, text]) => `## Text: ${type}\n\n${text.trimEnd()}`),
  ]
  return `${parts.join('\n\n')}\n`
}
