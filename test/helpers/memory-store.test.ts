import { describe } from 'vitest'
import { storeContract } from '../contracts/store.ts'
import { memoryStore } from './memory-store.ts'

describe('the store in memory', () => storeContract(async () => memoryStore()))
