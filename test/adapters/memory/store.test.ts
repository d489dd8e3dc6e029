import { describe } from 'vitest'
import { memoryStore } from '../../../src/adapters/memory/store.ts'
import { storeContract } from '../../contracts/store.ts'

describe('the store in memory', () => storeContract(async () => memoryStore()))
