import * as z from 'zod'
import { AppError } from '../../domain/errors.ts'
import { check } from '../../domain/validation.ts'
import { type HttpAnswer, type HttpClient, httpClient } from '../http/client.ts'
import { PRODUCTION } from './format.ts'
import { type ConvertedPrompts, type ForeignBraces, topicsOf } from './import.ts'

const PROMPTS = '/api/public/v2/prompts'
/** Prompts of a page: as many as Langfuse answers at most. */
const PAGE_SIZE = 100

const PromptList = z.looseObject({
  data: z.array(z.looseObject({ name: z.string(), labels: z.array(z.string()).default([]) })),
  meta: z.looseObject({ totalPages: z.int() }),
})

/** The keys of a Langfuse project. */
export interface LangfuseKeys {
  publicKey: string
  secretKey: string
}

/**
 * Reads the prompts in production from Langfuse's public API, references to other prompts filled in.
 *
 * @param base address of Langfuse, for example `https://cloud.langfuse.com`.
 * @param onWait called with a sentence for the person who waits.
 * @throws AppError `unauthenticated`, `forbidden`, `unavailable`.
 */
export async function readLangfuse(
  base: string,
  { publicKey, secretKey }: LangfuseKeys,
  braces: ForeignBraces,
  onWait: (message: string) => void,
): Promise<ConvertedPrompts> {
  const basic = Buffer.from(`${publicKey}:${secretKey}`).toString('base64')
  const client = httpClient(base, { authorization: `Basic ${basic}` }, onWait)
  const versions: unknown[] = []
  const notes: string[] = []
  for await (const { name, labels } of allPrompts(client)) {
    if (!labels.includes(PRODUCTION)) {
      notes.push(`${name}: left out, no version has the label "${PRODUCTION}".`)
      continue
    }
    const path = `${PROMPTS}/${encodeURIComponent(name)}?label=${PRODUCTION}`
    versions.push(bodyOf(await client.send('GET', path)))
  }
  const converted = topicsOf(versions, braces)
  return { ...converted, notes: [...notes, ...converted.notes] }
}

async function* allPrompts(client: HttpClient) {
  for (let page = 1; ; page++) {
    const answer = await client.send('GET', `${PROMPTS}?page=${page}&limit=${PAGE_SIZE}`)
    const { data: list } = check(PromptList, bodyOf(answer))
    if (!list) throw new AppError('unavailable', "This is not Langfuse's public API.")
    yield* list.data
    if (page >= list.meta.totalPages) return
  }
}

/** @throws AppError for anything but a success. */
function bodyOf({ status, body }: HttpAnswer): unknown {
  if (status === 200) return body
  if (status === 401) throw new AppError('unauthenticated', 'Langfuse refuses the keys.')
  if (status === 403) throw new AppError('forbidden', 'Langfuse does not let these keys read prompts.')
  throw new AppError('unavailable', `Langfuse answers with status ${status}.`)
}
