import * as z from 'zod'
import { type AppError, invalidInput } from '../domain/errors.ts'
import { TopicId } from '../domain/identifiers.ts'
import { byDisplayOrder, type ListPosition } from '../domain/topic.ts'

export const Cursor = z.string().max(500).optional().describe('`meta.next_cursor` of the page before.')

const Parts = z.tuple([z.int(), TopicId])

/**
 * One page of `topics`, which are in list order. A page ends at a position, not at a count: topics that come or go
 * meanwhile cause no gap and no repeat.
 *
 * @throws AppError `invalid_input` when `cursor` is none of this list.
 */
export function pageOf<T extends ListPosition>(
  topics: readonly T[],
  cursor: string | undefined,
  size: number,
): { page: T[]; meta?: { next_cursor: string } } {
  const after = cursor === undefined ? undefined : readCursor(cursor)
  const rest = after ? topics.filter((topic) => byDisplayOrder(topic, after) > 0) : topics
  const page = rest.slice(0, size)
  const last = page.at(-1)
  return last && rest.length > size ? { page, meta: { next_cursor: writeCursor(last) } } : { page }
}

function writeCursor({ display_order, topic_id }: ListPosition): string {
  return Buffer.from(JSON.stringify([display_order, topic_id])).toString('base64url')
}

function readCursor(cursor: string): ListPosition {
  try {
    const [display_order, topic_id] = Parts.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return { display_order, topic_id }
  } catch {
    throw wrongCursor()
  }
}

/** What is answered to a cursor that is none of the list that is asked for. */
export function wrongCursor(): AppError {
  const expected = '`meta.next_cursor` of the page before'
  return invalidInput([{ path: 'cursor', expected, message: 'is not a cursor of this list.' }])
}
