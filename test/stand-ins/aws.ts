import { describe, inject, onTestFinished } from 'vitest'
import { type AtEnd, shared } from '../helpers/at-end.ts'
import { missing } from '../helpers/missing.ts'
import type { AwsPlace } from './environment.ts'
import type { FaultyServer } from './faulty-server.ts'
import { CREDENTIALS, missingForRealParts, type RealParts } from './real-parts.ts'
import { startSecretsManager } from './secrets-manager.ts'

export { type AwsNames, environmentFor, freshNames } from './environment.ts'

/** All that the program needs of AWS. Real DynamoDB and S3 are there once for a whole run of tests. */
export interface AwsParts extends AwsPlace {
  /** The stand-in of Secrets Manager, of which the caller is the only user. */
  secrets: FaultyServer
}

/** @param atEnd is given what ends the stand-in; that happens after the test, if left out. */
export async function awsParts(atEnd: AtEnd = onTestFinished): Promise<AwsParts> {
  const answer = await fetch(inject('realPartsUrl'))
  if (!answer.ok) throw new Error(await answer.text())
  const { dynamodb, s3 } = (await answer.json()) as Omit<RealParts, 'stop'>
  const secrets = await startSecretsManager()
  atEnd(() => secrets.stop())
  const secretsManager = secrets.endpoint
  return { region: 'us-east-1', credentials: CREDENTIALS, dynamodb, s3, secretsManager, secrets }
}

/**
 * A group of tests that has the parts of AWS; their members are there when the tests run. Where a program is
 * missing the tests are skipped and a line says what to install; in CI they fail.
 */
export function describeWithAws(name: string, tests: (parts: AwsParts) => void): void {
  const needed = missingForRealParts()
  if (needed !== undefined) {
    missing(name, needed)
    return
  }
  describe(name, () => {
    tests(shared(awsParts))
  })
}
