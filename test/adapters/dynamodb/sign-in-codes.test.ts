import { expect, it } from 'vitest'
import { dynamoSignInCodes } from '../../../src/adapters/dynamodb/sign-in-codes.ts'
import { systemClock } from '../../../src/util/time.ts'
import { signInCodesContract } from '../../contracts/sign-in-codes.ts'
import { failureOf } from '../../helpers/errors.ts'
import { openLimitsTable } from '../../helpers/limits-table.ts'
import { describeWithAws } from '../../stand-ins/aws.ts'
import { accessDenied, drop, dropResponse, throttle } from '../../stand-ins/faults.ts'

describeWithAws('sign-in codes in DynamoDB', (parts) => {
  signInCodesContract(async (clock) => {
    const { table, side, items } = await openLimitsTable(parts)
    const open = async () => dynamoSignInCodes((await side()).client, table, clock)
    return { codes: await open(), others: await open(), stored: async () => JSON.stringify(await items()) }
  })

  async function opened() {
    const { table, side, items } = await openLimitsTable(parts)
    const { client, proxy } = await side()
    return { codes: dynamoSignInCodes(client, table, systemClock), table, proxy, items }
  }

  it('keeps an item that DynamoDB may delete after 10 minutes', async () => {
    const { codes, items } = await opened()
    const before = Date.now() / 1000
    await codes.issue('anna')
    const [item, ...more] = await items()
    expect(more).toEqual([])
    expect(item).toEqual({
      limit_key: expect.stringMatching(/^sign-in [0-9a-f]{64}$/),
      subject: 'anna',
      expires_at: expect.any(Number),
    })
    const seconds = (item?.['expires_at'] as number) - before
    expect(seconds).toBeGreaterThan(599)
    expect(seconds).toBeLessThan(630)
  })

  it('outlives lost requests and throttling', async () => {
    const { codes, proxy } = await opened()
    for (const fault of [throttle(), drop(), dropResponse()]) proxy.inject(fault, { op: 'PutItem' })
    const code = await codes.issue('anna')
    for (const fault of [throttle(), drop()]) proxy.inject(fault, { op: 'DeleteItem' })
    expect(await codes.redeem(code)).toEqual({ subject: 'anna' })
  })

  it('never lets anybody in twice, even if that keeps out one whose answer got lost', async () => {
    const { codes, proxy } = await opened()
    const code = await codes.issue('anna')
    proxy.inject(dropResponse(), { op: 'DeleteItem' })
    expect(await codes.redeem(code)).toBeUndefined()
    expect(await codes.redeem(code)).toBeUndefined()
  })

  it('says that the table is out of reach, and to the operator why', async () => {
    const { codes, table, proxy } = await opened()
    proxy.inject(accessDenied(), { times: 2 })
    const failures = [await failureOf(() => codes.issue('anna')), await failureOf(() => codes.redeem('x'))]
    for (const [index, action] of ['PutItem', 'DeleteItem'].entries()) {
      expect(failures[index]).toMatchObject({ code: 'unavailable' })
      expect(failures[index]?.operatorMessage).toContain(`Add dynamodb:${action} on table ${table}`)
    }
  })
})
