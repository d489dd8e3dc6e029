import { dynamoConversations } from '../../../src/adapters/dynamodb/conversations.ts'
import { conversationStoreContract } from '../../contracts/conversation-store.ts'
import { openConversationsTable } from '../../helpers/conversations-table.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'

describeWithAws('conversations in DynamoDB', (parts) => {
  conversationStoreContract(async (clock) => {
    const { table, side, items } = await openConversationsTable(parts)
    const open = async () => dynamoConversations((await side()).client, table, clock)
    return { store: await open(), other: await open(), stored: async () => JSON.stringify(await items()) }
  })
})
