import { randomUUID } from 'node:crypto'
import { type Answer, type Asked, errorAnswer } from './faults.ts'
import { type FaultyServer, startFaultyServer } from './faulty-server.ts'
import {
  addVersion,
  moveStage,
  type Secret,
  type SecretContent,
  SecretsError,
  type SecretVersion,
  versionOf,
} from './secret-versions.ts'

/** The members of all inputs, as they are on the wire. */
interface Input extends SecretContent {
  /** Name or ARN. */
  SecretId: string
  Name: string
  ClientRequestToken?: string
  VersionId?: string
  VersionStage?: string
  VersionStages?: string[]
  MoveToVersionId?: string
  RemoveFromVersionId?: string
  IncludeDeprecated?: boolean
  ForceDeleteWithoutRecovery?: boolean
  RecoveryWindowInDays?: number
  Tags?: Secret['tags']
}

type Operation = (input: Input) => object

/**
 * Starts a stand-in of Secrets Manager: versions and their stages by AWS's rules, kept in memory. It looks for a
 * signature and does not verify it.
 */
export function startSecretsManager(): Promise<FaultyServer> {
  const operations = secretOperations()
  return startFaultyServer(async (asked) => answerOf(operations, asked))
}

function answerOf(operations: Record<string, Operation>, asked: Asked): Answer {
  const run = operations[asked.op]
  if (!run) return errorAnswer(asked, 400, 'UnknownOperationException', `There is no ${asked.op} here.`)
  if (asked.headers['authorization'] === undefined) {
    return errorAnswer(asked, 400, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  try {
    const output = run(JSON.parse(asked.body.toString()) as Input)
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() }
    return { status: 200, headers, body: Buffer.from(JSON.stringify(output)) }
  } catch (error) {
    if (error instanceof SecretsError) return errorAnswer(asked, 400, error.name, error.message)
    throw error
  }
}

function secretOperations(): Record<string, Operation> {
  const secrets = new Map<string, Secret>()

  function find(id: string): Secret {
    const found = [...secrets.values()].find(({ name, arn }) => name === id || arn === id)
    if (found) return found
    throw new SecretsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  }

  function findLive(id: string): Secret {
    const secret = find(id)
    if (secret.deleted === undefined) return secret
    throw new SecretsError(
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    )
  }

  return {
    CreateSecret(input) {
      const { Name: name, Tags: tags = [], ClientRequestToken: token } = input
      const old = secrets.has(name) ? findLive(name) : undefined
      // An earlier try of the same request may have made it.
      if (old && !old.versions.some(({ id }) => id === token)) {
        throw new SecretsError('ResourceExistsException', `The secret ${name} already exists.`)
      }
      const arn = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-AbCdEf`
      const secret = old ?? { name, arn, versions: [], tags }
      const version = hasContent(input) ? addVersion(secret, contentOf(input), token) : undefined
      secrets.set(name, secret)
      return { ...headOf(secret), VersionId: version?.id }
    },

    PutSecretValue(input) {
      const secret = findLive(input.SecretId)
      if (!hasContent(input)) {
        throw new SecretsError('InvalidRequestException', 'You must provide SecretString or SecretBinary.')
      }
      const { ClientRequestToken: token, VersionStages: stages } = input
      return { ...headOf(secret), ...labelsOf(addVersion(secret, contentOf(input), token, stages)) }
    },

    GetSecretValue({ SecretId, VersionId, VersionStage }) {
      const secret = findLive(SecretId)
      const version = versionOf(secret, VersionId, VersionStage)
      return { ...headOf(secret), ...labelsOf(version), ...contentOf(version), CreatedDate: version.created }
    },

    UpdateSecretVersionStage({ SecretId, VersionStage = '', MoveToVersionId, RemoveFromVersionId }) {
      const secret = findLive(SecretId)
      moveStage(secret, VersionStage, MoveToVersionId, RemoveFromVersionId)
      return headOf(secret)
    },

    DescribeSecret({ SecretId }) {
      const secret = find(SecretId)
      const staged = secret.versions.filter(({ stages }) => stages.size > 0)
      return {
        ...headOf(secret),
        Tags: secret.tags,
        DeletedDate: secret.deleted,
        VersionIdsToStages: Object.fromEntries(staged.map(({ id, stages }) => [id, [...stages]])),
      }
    },

    ListSecretVersionIds({ SecretId, IncludeDeprecated }) {
      const secret = find(SecretId)
      const listed = secret.versions.filter(({ stages }) => IncludeDeprecated || stages.size > 0)
      const Versions = listed.map((version) => ({ ...labelsOf(version), CreatedDate: version.created }))
      return { ...headOf(secret), Versions }
    },

    TagResource({ SecretId, Tags = [] }) {
      const secret = findLive(SecretId)
      const names = new Set(Tags.map(({ Key }) => Key))
      secret.tags = [...secret.tags.filter(({ Key }) => !names.has(Key)), ...Tags]
      return {}
    },

    DeleteSecret({ SecretId, ForceDeleteWithoutRecovery, RecoveryWindowInDays = 30 }) {
      const secret = findLive(SecretId)
      const now = Date.now() / 1000
      secret.deleted = now
      if (ForceDeleteWithoutRecovery) secrets.delete(secret.name)
      const wait = ForceDeleteWithoutRecovery ? 0 : RecoveryWindowInDays * 86_400
      return { ...headOf(secret), DeletionDate: now + wait }
    },
  }
}

const headOf = ({ arn, name }: Secret) => ({ ARN: arn, Name: name })
const labelsOf = ({ id, stages }: SecretVersion) => ({ VersionId: id, VersionStages: [...stages] })
const contentOf = ({ SecretString, SecretBinary }: SecretContent): SecretContent => ({
  ...(SecretString !== undefined && { SecretString }),
  ...(SecretBinary !== undefined && { SecretBinary }),
})
const hasContent = (input: SecretContent) => Object.keys(contentOf(input)).length > 0
