import { describe } from 'vitest'
import { conversationStoreContract } from '../contracts/conversation-store.ts'
import { memoryConversations } from './memory-conversations.ts'

describe('conversations in memory', () => {
  conversationStoreContract(async (clock) => {
    const store = memoryConversations(clock)
    return { store, other: store, stored: async () => store.stored() }
  })
})
