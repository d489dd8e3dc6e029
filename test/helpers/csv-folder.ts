import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { writeTopic } from './data-folder.ts'
import { tempFolder } from './folders.ts'
import { topicContent } from './topics.ts'

const CSV = fileURLToPath(new URL('../fixtures/prompts.csv', import.meta.url))

/** A prompt of the public collection, under the id that it gets here. */
interface CollectedPrompt {
  topic_id: string
  act: string
  prompt: string
}

/** The public collection, and a new folder that holds it in the layout of `seeds/`: gone after the test. */
export async function csvFolder(): Promise<{ path: string; collected: CollectedPrompt[] }> {
  const [, ...rows] = readCsv(await readFile(CSV, 'utf8'))
  const path = await tempFolder()
  const taken = new Map<string, number>()
  const collected = rows.map(([act = '', prompt = '']) => ({ topic_id: idOf(act, taken), act, prompt }))
  for (const { topic_id, act, prompt } of collected) {
    const { definition } = topicContent(topic_id)
    await writeTopic(path, { definition: { ...definition, topic_name: act }, texts: { system: prompt } })
  }
  return { path, collected }
}

/** An act as a topic id; acts that would get the same one are numbered. */
function idOf(act: string, taken: Map<string, number>): string {
  const id = act
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, 64)
    .replace(/^_+|_+$/g, '')
  const count = (taken.get(id) ?? 0) + 1
  taken.set(id, count)
  return count === 1 ? id : `${id}_${count}`
}

/** The fields of each line; a field in quotes may hold commas, line breaks and doubled quotes (RFC 4180). */
function readCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (let at = 0; at < text.length; ) {
    const quoted = text[at] === '"'
    const [whole = '', inner = ''] =
      (quoted ? /"((?:[^"]|"")*)"/y : /([^,\r\n]*)/y).exec(text.slice(at)) ?? []
    if (quoted && whole === '') throw new Error(`a quote at ${at} is never closed`)
    row.push(quoted ? inner.replaceAll('""', '"') : inner)
    at += whole.length
    const [end = ''] = /^(,|\r?\n|$)/.exec(text.slice(at, at + 2)) ?? []
    if (end === '' && at < text.length) throw new Error(`a field is followed by ${text[at]} at ${at}`)
    at += end.length
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}
