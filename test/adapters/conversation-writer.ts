import { fileURLToPath } from 'node:url'
import { fileConversations } from '../../src/adapters/files/conversations.ts'
import { openLayout } from '../../src/adapters/files/layout.ts'
import type { ConversationStore } from '../../src/domain/conversation.ts'
import { systemClock } from '../../src/util/time.ts'
import { ANNA, answer, leaseFor, userMessage } from '../helpers/conversations.ts'
import type { AwsParts } from '../stand-ins/aws.ts'

/** Where a store of conversations is that several processes use. */
export type ConversationPlace =
  | { folder: string }
  | { table: string; parts: Pick<AwsParts, 'dynamodb' | 'region' | 'credentials'> }

export async function openConversations(
  place: ConversationPlace,
  clock = systemClock,
): Promise<ConversationStore> {
  if ('folder' in place) return fileConversations(openLayout(place.folder), clock, () => {})
  // Takes a second to load, which a writer of files does not wait for.
  const { dynamoClient } = await import('../../src/adapters/aws/resources.ts')
  const { dynamoConversations } = await import('../../src/adapters/dynamodb/conversations.ts')
  const { dynamodb: endpoint, region, credentials } = place.parts
  return dynamoConversations(dynamoClient({ endpoint, region, credentials }), place.table, clock)
}

/** A process that takes turns for ever, from the one after those that are there, and says each message when it is safe. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [place = '', id = ''] = process.argv.slice(2)
  const store = await openConversations(JSON.parse(place))
  const say = (message: string) => process.stdout.write(`${message}\n`)
  const read = await store.read(ANNA, id)
  const turns = read?.turns ?? []
  const first = turns.filter(({ assistant }) => assistant).length + 1
  // A dead process may hold the lease still.
  if (read?.lease) await store.releaseLease(ANNA, id, read.lease.token)
  for (let turn = first; ; turn++) {
    const now = Date.now()
    const lease = leaseFor(now, turn)
    // Of more than a page of memory, which a system may write in several steps.
    const long = '.'.repeat(turn % 3 === 0 ? 60_000 : 20)
    if (!(await store.beginTurn(ANNA, id, { turn, user: userMessage(now, `m${turn} ${long}`) }, lease)))
      throw new Error(`turn ${turn} cannot be begun`)
    say(`m${turn}`)
    await store.renewLease(ANNA, id, { ...lease, expires_at: new Date(now + 12_500).toISOString() })
    if (!(await store.finishTurn(ANNA, id, lease, answer(now, `a${turn} ${long}`))))
      throw new Error(`turn ${turn} cannot be finished`)
    say(`a${turn}`)
  }
}
