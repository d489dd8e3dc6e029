import { describe } from 'vitest'
import { fileConversations } from '../../../src/adapters/files/conversations.ts'
import { openLayout } from '../../../src/adapters/files/layout.ts'
import { conversationStoreContract } from '../../contracts/conversation-store.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { treeOf } from '../../helpers/trees.ts'

describe('conversations in files', () => {
  conversationStoreContract(async (clock) => {
    const root = await tempFolder()
    const open = () => fileConversations(openLayout(root), clock, expectNoWarning)
    return { store: open(), other: open(), stored: async () => JSON.stringify(await treeOf(root)) }
  })
})

function expectNoWarning(message: string, cause: unknown): never {
  throw new Error(message, { cause })
}
