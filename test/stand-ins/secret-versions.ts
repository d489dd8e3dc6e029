import { randomUUID } from 'node:crypto'

// How Secrets Manager keeps the versions of its secrets and moves stages between them.

/** An error of the service, by its name there. */
export class SecretsError extends Error {
  override readonly name: string

  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

export interface SecretContent {
  SecretString?: string
  /** In Base64, as it is on the wire. */
  SecretBinary?: string
}

export interface SecretVersion extends SecretContent {
  id: string
  /** In seconds. */
  created: number
  stages: Set<string>
}

export interface Secret {
  name: string
  arn: string
  versions: SecretVersion[]
  tags: { Key: string; Value: string }[]
  /** When it was marked for deletion, in seconds. */
  deleted?: number
}

const CURRENT = 'AWSCURRENT'
const PREVIOUS = 'AWSPREVIOUS'

const versionWith = ({ versions }: Secret, stage: string) => versions.find(({ stages }) => stages.has(stage))

/** The version with this id, or that which holds the stage; of an id and a stage both must fit. */
export function versionOf(secret: Secret, id: string | undefined, stage: string | undefined): SecretVersion {
  const wanted = id === undefined ? (stage ?? CURRENT) : stage
  const found = secret.versions.find(
    (version) => (id ?? version.id) === version.id && (wanted === undefined || version.stages.has(wanted)),
  )
  if (found) return found
  const what = id === undefined ? `staging label: ${wanted}` : `VersionId: ${id}`
  throw new SecretsError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for ${what}`,
  )
}

/** Adds a version, or finds the one that an earlier try of the same request has added. */
export function addVersion(
  secret: Secret,
  content: SecretContent,
  token: string = randomUUID(),
  stages: readonly string[] = [CURRENT],
): SecretVersion {
  if (token.length < 32 || token.length > 64) {
    throw new SecretsError('InvalidParameterException', 'ClientRequestToken must have 32 to 64 characters.')
  }
  const known = secret.versions.find(({ id }) => id === token)
  if (known) {
    if (isSame(known, content)) return known
    throw new SecretsError(
      'ResourceExistsException',
      `A resource with the ID you requested already exists: ${token}.`,
    )
  }
  const added: SecretVersion = { ...content, id: token, created: Date.now() / 1000, stages: new Set() }
  const isFirst = secret.versions.length === 0
  secret.versions.push(added)
  for (const stage of isFirst ? new Set([...stages, CURRENT]) : stages) attach(secret, stage, added)
  return added
}

const isSame = (one: SecretContent, other: SecretContent) =>
  one.SecretString === other.SecretString && one.SecretBinary === other.SecretBinary

/** Only one version holds a stage. The version that was current before stays within reach as the previous one. */
function attach(secret: Secret, stage: string, to: SecretVersion): void {
  const from = versionWith(secret, stage)
  if (from === to) return
  from?.stages.delete(stage)
  to.stages.add(stage)
  if (stage !== CURRENT || !from) return
  versionWith(secret, PREVIOUS)?.stages.delete(PREVIOUS)
  from.stages.add(PREVIOUS)
}

/** Moves a stage, if the caller knows where it is: `from` must name the version that holds it now. */
export function moveStage(
  secret: Secret,
  stage: string,
  to: string | undefined,
  from: string | undefined,
): void {
  const holder = versionWith(secret, stage)
  const target = to === undefined ? undefined : versionOf(secret, to, undefined)
  if (from !== undefined && versionOf(secret, from, undefined) !== holder) {
    throw new SecretsError(
      'InvalidParameterException',
      `The staging label ${stage} isn't currently attached to version ${from}.`,
    )
  }
  if (target) {
    if (holder && holder !== target && from === undefined) {
      throw new SecretsError(
        'InvalidParameterException',
        `The staging label ${stage} is currently attached to version ${holder.id}, which RemoveFromVersionId must name.`,
      )
    }
    attach(secret, stage, target)
  } else if (stage === CURRENT) {
    throw new SecretsError('InvalidParameterException', `${CURRENT} can be moved, but not removed.`)
  } else {
    holder?.stages.delete(stage)
  }
}
