import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { withoutByteOrderMark } from '../../util/json.ts'
import { callAws, causeOf, WRITE_BUDGET_MS } from '../aws/calls.ts'

/** Shorter than for other reads: requests may wait for it. */
const SECRET_BUDGET_MS = 2_000

/** The staging labels of each version that has any, by its id. */
export type Labels = Readonly<Record<string, readonly string[]>>

export const CURRENT = 'AWSCURRENT'
export const PENDING = 'AWSPENDING'
export const PREVIOUS = 'AWSPREVIOUS'

/** The version that has a label. */
export function holderOf(labels: Labels, label: string): string | undefined {
  return Object.keys(labels).find((id) => labels[id]?.includes(label))
}

/** The calls on one secret. All throw AppError `unavailable`, and no error of theirs holds a value. */
export interface SecretCalls {
  /** Names the secret in messages, for example `secret purposepath-jwt-secret-dev`. */
  resource: string
  /** The setting with the secret's name. */
  setting: string

  /**
   * Reads the labels of all versions.
   *
   * @returns `undefined` for a secret that does not exist or is marked for deletion. `rotates`: whether Secrets Manager
   *   rotates it by itself; `undefined` if it does not say.
   */
  describe(): Promise<{ labels: Labels; rotates: boolean | undefined } | undefined>

  /** The text of a version, which never changes; `undefined` while it has none yet, as at the start of a rotation. */
  text(id: string): Promise<string | undefined>

  /**
   * Adds a version with one label; does nothing when that version exists already.
   *
   * @returns `false` when there is a version of this id with another text.
   */
  put(id: string, text: string, label: string): Promise<boolean>

  /**
   * Moves a label, which at most one version has.
   *
   * @param to `undefined`: only removes it.
   * @param from the version that has it now; `undefined`: none.
   * @returns `false` when another version has it.
   * @example await calls.move(CURRENT, newVersion, oldVersion)
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
    const awsCall = { action: `secretsmanager:${action}`, resource, setting }
    return callAws(awsCall, (options) => work(options).catch(failWithoutText), budgetMs)
  }

  return {
    resource,
    setting,

    async describe() {
      const command = new DescribeSecretCommand({ SecretId })
      const secret = await call('DescribeSecret', (options) => client.send(command, options)).catch(
        unlessNamed('ResourceNotFoundException', undefined),
      )
      if (!secret || secret.DeletedDate !== undefined) return undefined
      return { labels: secret.VersionIdsToStages ?? {}, rotates: secret.RotationEnabled }
    },

    async text(id) {
      const command = new GetSecretValueCommand({ SecretId, VersionId: id })
      const version = await call('GetSecretValue', (options) => client.send(command, options)).catch(
        unlessNamed('ResourceNotFoundException', undefined),
      )
      return version && secretValue(version)
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

/** Tells the operator how to create a secret that does not exist. */
export function howToCreate({ setting }: Pick<SecretCalls, 'setting'>): string {
  return `Create it with "purposepath-prompts provision", or check ${setting}, STAGE and AWS_REGION.`
}

/** AWS's errors for a label that is on another version, or whose version is gone. */
const REFUSALS = /^(InvalidParameterException|InvalidRequestException|ResourceNotFoundException)$/

/** Turns AWS's errors of these names into `result`; throws all others. */
function unlessNamed<T>(names: string | RegExp, result: T): (error: unknown) => T {
  return (error) => {
    const cause = causeOf(error) ?? ''
    if (typeof names === 'string' ? cause === names : names.test(cause)) return result
    throw error
  }
}

/** Replaces a parser's error: it quotes the text that it could not read, which may hold a secret. */
function failWithoutText(error: unknown): never {
  if (error instanceof Error && error.name !== 'SyntaxError') throw error
  throw new Error('the answer cannot be read')
}

/** The text of a version, however it is stored, without a byte-order mark before it. */
export function secretValue(version: GetSecretValueCommandOutput): string | undefined {
  const { SecretString, SecretBinary } = version
  const text = SecretString ?? (SecretBinary && Buffer.from(SecretBinary).toString())
  return text && withoutByteOrderMark(text)
}
