import { expect, test } from 'vitest'
import type { Step } from '../../../src/deployment/aws/provision/properties.ts'
import { AppError } from '../../../src/domain/errors.ts'
import { proxiedParts } from '../../helpers/aws-proxies.ts'
import { actionsOf, denyingNth } from '../../helpers/iam-actions.ts'
import { allSteps, expectComplete, provisionAll, secretValues, wordsOf } from '../../helpers/provisioning.ts'
import { describeWithAws, freshNames } from '../../stand-ins/aws.ts'
import { dropResponse, errorAnswer, type Fault } from '../../stand-ins/faults.ts'

describeWithAws('provision', (parts) => {
  test('makes everything, and tells of each thing', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    expect(wordsOf(await provisionAll(clients, names))).toEqual(allSteps('created'))
    await expectComplete(clients, names)
  })

  test('changes nothing the second time, and never looks at a secret', async () => {
    const proxied = await proxiedParts(parts)
    const { clients, proxies, secrets } = proxied
    const names = freshNames()
    await provisionAll(clients, names)
    expect(secrets.requests.map(({ op }) => op)).not.toContain('GetSecretValue')
    const values = await secretValues(clients, names)
    for (const proxy of proxies) proxy.reset()

    expect(wordsOf(await provisionAll(clients, names))).toEqual(allSteps('already there'))
    expect(proxied.writes()).toEqual([])
    expect(secrets.requests.map(({ op }) => op)).not.toContain('GetSecretValue')
    expect(await secretValues(clients, names)).toEqual(values)
  })

  test('two at the same time make one of each', async () => {
    const [one, other] = [await proxiedParts(parts), await proxiedParts(parts)]
    const names = freshNames()
    await Promise.all([provisionAll(one.clients, names), provisionAll(other.clients, names)])
    await expectComplete(one.clients, names)
  })

  test('goes on when the answer to a change is lost', async () => {
    const proxied = await proxiedParts(parts)
    const names = freshNames()
    const isWrite = /^(Create|Update|PUT)/
    for (const proxy of proxied.proxies) proxy.inject(losingFirst(), { op: isWrite, times: Infinity })
    await provisionAll(proxied.clients, names)
    await expectComplete(proxied.clients, names)
    expect(proxied.writes().length).toBeGreaterThan(10)
  })

  test('says of each call that is not permitted which action to add', async () => {
    const { clients, proxies } = await proxiedParts(parts)
    for (let nth = 1; ; nth++) {
      const names = freshNames()
      const denied = denyingNth(nth)
      for (const proxy of proxies) {
        proxy.reset()
        proxy.inject(denied, { times: Infinity })
      }
      const thrown = await provisionAll(clients, names).catch((error: unknown) => error)
      const [asked] = denied.asked
      if (!asked) {
        expect(nth).toBeGreaterThan(20)
        break
      }
      expect(thrown).toBeInstanceOf(AppError)
      const { code, operatorMessage } = thrown as AppError
      expect(code).toBe(asked.method === 'HEAD' ? 'conflict' : 'unavailable')
      expect(operatorMessage).toContain(actionsOf([asked])[0])
      expect(operatorMessage).not.toContain('\n')
    }
  })

  test('tells of what the endpoint does not know, and goes on', async () => {
    const { clients, s3, dynamodb } = await proxiedParts(parts)
    const names = freshNames()
    s3.inject(refusal(501, 'NotImplemented'), { op: /lifecycle/, times: Infinity })
    s3.inject(refusal(405, 'MethodNotAllowed'), { op: /publicAccessBlock/, times: Infinity })
    dynamodb.inject(refusal(400, 'UnknownOperationException'), { op: /TimeToLive/, times: Infinity })
    const steps: Step[] = await provisionAll(clients, names)
    const skipped = steps.filter(({ outcome }) => outcome === 'not supported')
    expect(skipped.map(({ part }) => part)).toEqual([
      'point-in-time recovery',
      'expiry by expires_at',
      'expiry by expires_at',
      'point-in-time recovery',
      'lifecycle rule',
      'public access block except BlockPublicAcls',
      'TLS-only policy',
    ])
    for (const { why } of skipped) expect(why).toContain('endpoint')
    expect(wordsOf(steps)).toHaveLength(allSteps('created').length)
  })
})

/** Loses the answer to the first try of each change. */
function losingFirst(): Fault {
  const seen = new Set<string>()
  const lose = dropResponse()
  return {
    name: 'losingFirst',
    act(asked, respond) {
      const change = `${asked.op} ${asked.body}`
      const isFirst = !seen.has(change)
      seen.add(change)
      return isFirst ? lose.act(asked, respond) : respond(asked)
    },
  }
}

function refusal(status: number, code: string): Fault {
  return { name: code, act: async (asked) => errorAnswer(asked, status, code, 'not here') }
}
