import { onTestFinished } from 'vitest'
import type { AwsClients } from '../../src/adapters/aws/resources.ts'
import { dynamoClient, s3Client } from '../../src/adapters/aws/resources.ts'
import { secretsClient } from '../../src/adapters/secrets-manager/client.ts'
import { type AwsNames, type AwsParts, environmentFor } from '../stand-ins/aws.ts'
import { startFaultProxy } from '../stand-ins/fault-proxy.ts'
import type { FaultyServer } from '../stand-ins/faulty-server.ts'
import type { AtEnd } from './at-end.ts'
import type { Environment } from './program.ts'

/** A way to the parts of AWS on which calls are seen and can fail; nobody else uses it. */
export interface ProxiedParts {
  dynamodb: FaultyServer
  s3: FaultyServer
  secrets: FaultyServer
  /** All three. */
  proxies: FaultyServer[]
  clients: AwsClients
  environment(names: AwsNames): Environment
  /** The requests so far that change something, by operation. */
  writes(): string[]
}

const WRITE = /^(Create|Update|Put|Delete|Transact|BatchWrite|PUT |POST |DELETE )/

export async function proxiedParts(parts: AwsParts, atEnd: AtEnd = onTestFinished): Promise<ProxiedParts> {
  const [dynamodb, s3, secrets] = await Promise.all([
    startFaultProxy(parts.dynamodb),
    startFaultProxy(parts.s3),
    startFaultProxy(parts.secretsManager),
  ])
  const proxies = [dynamodb, s3, secrets]
  atEnd(async () => {
    for (const proxy of proxies) await proxy.stop()
  })
  const endpoints = { dynamodb: dynamodb.endpoint, s3: s3.endpoint, secretsManager: secrets.endpoint }
  return {
    dynamodb,
    s3,
    secrets,
    proxies,
    clients: clientsFor({ ...parts, ...endpoints }),
    environment: (names) => environmentFor({ ...parts, ...endpoints }, names),
    writes: () =>
      proxies
        .flatMap(({ requests }) => requests)
        .map(({ op }) => op)
        .filter((op) => WRITE.test(op)),
  }
}

/** Clients as the program makes them, for these endpoints. */
export function clientsFor(parts: Omit<AwsParts, 'secrets'>): AwsClients {
  const { region, credentials, dynamodb, s3, secretsManager } = parts
  const common = { region, credentials }
  return {
    dynamodb: dynamoClient({ ...common, endpoint: dynamodb }),
    s3: s3Client({ ...common, endpoint: s3, forcePathStyle: true }),
    secrets: secretsClient({ ...common, endpoint: secretsManager }),
  }
}
