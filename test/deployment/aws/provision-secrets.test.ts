import { CreateSecretCommand, DeleteSecretCommand } from '@aws-sdk/client-secrets-manager'
import { expect, test } from 'vitest'
import { proxiedParts } from '../../helpers/aws-proxies.ts'
import { failureOf } from '../../helpers/errors.ts'
import { provisionAll, secretValues, wordsOf } from '../../helpers/provisioning.ts'
import { describeWithAws, freshNames } from '../../stand-ins/aws.ts'

const ofSecrets = (steps: readonly string[]) => steps.filter((step) => step.endsWith(' secret'))

describeWithAws('provisioning secrets', (parts) => {
  test('makes the one that is missing, and leaves the other as it is', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    const create = new CreateSecretCommand({ Name: names.apiKeySecret, SecretString: 'as it was' })
    await clients.secrets.send(create)
    const steps = ofSecrets(wordsOf(await provisionAll(clients, names)))
    expect(steps).toEqual(['already there secret', 'created secret'])
    const [apiKeys, jwt] = await secretValues(clients, names)
    expect(apiKeys).toBe('as it was')
    expect(jwt).toMatch(/^[\w-]{64}$/)
  })

  test('gives a value to a secret that has none', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    await clients.secrets.send(new CreateSecretCommand({ Name: names.jwtSecret }))
    const steps = ofSecrets(wordsOf(await provisionAll(clients, names)))
    expect(steps).toEqual(['created secret', 'completed secret'])
    const [, jwt] = await secretValues(clients, names)
    expect(jwt).toMatch(/^[\w-]{64}$/)
  })

  test('says how to take back the deletion of a secret', async () => {
    const { clients } = await proxiedParts(parts)
    const names = freshNames()
    await provisionAll(clients, names)
    await clients.secrets.send(new DeleteSecretCommand({ SecretId: names.jwtSecret }))
    const { code, operatorMessage } = await failureOf(() => provisionAll(clients, names))
    expect(code).toBe('conflict')
    for (const part of [`restore-secret --secret-id ${names.jwtSecret}`, 'PROMPTS_JWT_SECRET_NAME']) {
      expect(operatorMessage).toContain(part)
    }
  })

  test('a secret named by an ARN must be there', async () => {
    const { clients } = await proxiedParts(parts)
    const jwtSecret = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:jwt-AbCdEf'
    const { code, operatorMessage } = await failureOf(() =>
      provisionAll(clients, { ...freshNames(), jwtSecret }),
    )
    expect(code).toBe('not_found')
    expect(operatorMessage).toContain('PROMPTS_JWT_SECRET_NAME')
  })
})
