import { describe } from 'vitest'
import { storeContract } from '../../contracts/store.ts'
import { freshPlace, openAws } from '../../helpers/aws-store.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'

describeWithAws('the aws store', (parts) => {
  describe('in a bucket that keeps versions', () =>
    storeContract(async () => openAws(await freshPlace(parts))))
  describe('in a bucket that keeps none', () =>
    storeContract(async () => openAws(await freshPlace(parts, { versioned: false }))))
})
