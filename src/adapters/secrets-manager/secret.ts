import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { callAws, causeOf, WRITE_BUDGET_MS } from '../aws/calls.ts'

/** Shorter than for other reads: requests may wait for it. */
const SECRET_BUDGET_MS = 2_000

/** The staging labels of each version that has any, by its id. */
export type Labels = Readonly<Record<string, readonly string[]>>

export const CURRENT = 'AWSCURRENT'
export const PENDING = 'AWSPENDING'
export const PREVIOUS = 'AWSPREVIOUS'

/** The version that bears a label. */
export function holderOf(labels: Labels, label: string): string | undefined {
  return Object.keys(labels).find((id) => labels[id]?.includes(label))
}

/** One secret and the calls on it. All throw AppError `unavailable`, and no error of theirs holds a value. */
export interface SecretCalls {
  /** In words, for example `secret purposepath-jwt-secret-dev`. */
  resource: string
  /** The setting that names it. */
  setting: string

  /**
   * `undefined`: it does not exist, or is marked for deletion. `rotates`: whether Secrets Manager rotates it by itself,
   * where it says so.
   */
  describe(): Promise<{ labels: Labels; rotates: boolean | undefined } | undefined>

  /** The text of a version, which never changes; `undefined` while it has none, as one that a rotation is to fill. */
  text(id: string): Promise<string | undefined>

  /** Adds a version. @returns whether it is there now; `false`: there is one with this id and another text. */
  put(id: string, text: string, label: string): Promise<boolean>

  /**
   * Moves a label.
   *
   * @param to `undefined`: only removes it.
   * @param from the version that bears it now.
   * @returns `false` when another version bears it.
   */
  move(label: string, to: string | undefined, from: string | undefined): Promise<boolean>
}

export function secretCalls(client: SecretsManagerClient, name: string, setting: string): SecretCalls {
  const SecretId = name
  const resource = `secret ${name}`

  function call<T>(
    action: string,
    work: (options: { abortSignal: AbortSignal }) => Promise<T>,
    budgetMs = SECRET_BUDGET_MS,
  ): Promise<T> {
    const place = { action: `secretsmanager:${action}`, resource, setting }
    return callAws(place, (options) => work(options).catch(failWithoutText), budgetMs)
  }

  return {
    resource,
    setting,

    async describe() {
      const command = new DescribeSecretCommand({ SecretId })
      const found = await call('DescribeSecret', (options) => client.send(command, options)).catch(
        unlessNamed('ResourceNotFoundException', undefined),
      )
      if (!found || found.DeletedDate !== undefined) return undefined
      return { labels: found.VersionIdsToStages ?? {}, rotates: found.RotationEnabled }
    },

    async text(id) {
      const command = new GetSecretValueCommand({ SecretId, VersionId: id })
      const found = await call('GetSecretValue', (options) => client.send(command, options)).catch(
        unlessNamed('ResourceNotFoundException', undefined),
      )
      return found?.SecretString ?? (found?.SecretBinary && Buffer.from(found.SecretBinary).toString())
    },

    async put(id, text, label) {
      const command = new PutSecretValueCommand({
        SecretId,
        ClientRequestToken: id,
        SecretString: text,
        VersionStages: [label],
      })
      const work = async (options: { abortSignal: AbortSignal }) => {
        await client.send(command, options)
        return true
      }
      return call('PutSecretValue', work, WRITE_BUDGET_MS).catch(
        unlessNamed('ResourceExistsException', false),
      )
    },

    async move(label, to, from) {
      const command = new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: label,
        MoveToVersionId: to,
        RemoveFromVersionId: from,
      })
      const work = async (options: { abortSignal: AbortSignal }) => {
        await client.send(command, options)
        return true
      }
      return call('UpdateSecretVersionStage', work, WRITE_BUDGET_MS).catch(unlessNamed(REFUSALS, false))
    },
  }
}

/** How AWS says that a label is elsewhere, or that its version is gone. */
const REFUSALS = /^(InvalidParameterException|InvalidRequestException|ResourceNotFoundException)$/

/** Passes on every failure but the one that has a meaning. */
function unlessNamed<T>(names: string | RegExp, meaning: T): (error: unknown) => T {
  return (error) => {
    const cause = causeOf(error) ?? ''
    if (typeof names === 'string' ? cause === names : names.test(cause)) return meaning
    throw error
  }
}

/** A parser's complaint quotes what it could not read, and that may be a secret. */
function failWithoutText(error: unknown): never {
  if (error instanceof Error && error.name !== 'SyntaxError') throw error
  throw new Error('the answer cannot be read')
}
