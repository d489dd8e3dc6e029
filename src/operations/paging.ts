import * as z from 'zod'
import { invalidInput } from '../domain/errors.ts'
import { TopicId } from '../domain/identifiers.ts'
import type { ListPosition } from '../domain/topic.ts'

export const Cursor = z.string().max(500).optional().describe('`meta.next_cursor` of the page before.')

const Parts = z.tuple([z.int(), TopicId])

/** A page ends at a position, not at a count: topics that come or go meanwhile cause no gap and no repeat. */
export function writeCursor({ display_order, topic_id }: ListPosition): string {
  return Buffer.from(JSON.stringify([display_order, topic_id])).toString('base64url')
}

/** @throws AppError `invalid_input` for a text that {@link writeCursor} did not write. */
export function readCursor(cursor: string): ListPosition {
  try {
    const [display_order, topic_id] = Parts.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return { display_order, topic_id }
  } catch {
    throw invalidInput([
      {
        path: 'cursor',
        expected: '`meta.next_cursor` of the page before',
        message: 'is not a cursor of this list.',
      },
    ])
  }
}
