import { randomUUID } from 'node:crypto'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type ApiKey, type ApiKeys, type KnownKey, keyFinder, newKey } from '../../domain/api-keys.ts'
import { andThen } from '../../domain/awaitable.ts'
import type { Clock } from '../../domain/clock.ts'
import { AppError } from '../../domain/errors.ts'
import type { Outages } from '../files/watched-file.ts'
import {
  faultsOf,
  type KeyValue,
  type KeyVersions,
  keyVersions,
  keyVersionsReader,
  knownKeys,
  type NamedKey,
  namedRecord,
  OWN_NAME,
  ownRecord,
  rawKeys,
} from './api-key-document.ts'
import { editKeys, missing } from './api-key-edit.ts'
import { keyRotation, ROTATION_PAUSE_MS } from './rotation.ts'
import { type SecretCalls, secretCalls } from './secret.ts'
import { howToCreate, type SecretVersions, watchedSecret } from './secret-cache.ts'

/** API keys in AWS. */
export interface SecretKeys extends ApiKeys {
  /** For a server: reads the keys now, so that they are known from the first, and every 30 seconds from now on. */
  start(): Promise<void>
}

/**
 * API keys in a secret of AWS Secrets Manager (spec §5): its own key, which rotates, and those of named services.
 *
 * @param pauseMs how long every process gets to learn of a new key before it becomes the current one.
 */
export function secretKeys(
  client: SecretsManagerClient,
  secretName: string,
  stage: string,
  clock: Clock,
  outages: Outages,
  pauseMs = ROTATION_PAUSE_MS,
): SecretKeys {
  const calls = secretCalls(client, secretName, 'PROMPTS_API_KEY_SECRET')
  const readVersions = keyVersionsReader(calls)
  const read = async () => {
    const versions = await readVersions()
    return versions && keyVersions(versions)
  }
  const find = keyFinder(clock)
  const watched = watchedSecret<KnownKey[]>({
    calls,
    read: readVersions,
    interpret: (versions) => (versions ? interpret(versions) : []),
    withoutSecret: 'no API key is valid',
    clock,
    outages,
  })

  let warned = ''
  /** A damage is told once, however often the labels of its version move. */
  function warn(text: string): void {
    if (text !== warned && text !== '') outages.warn(`${calls.resource} ${text}`)
    warned = text
  }

  function interpret(found: SecretVersions): KnownKey[] {
    const versions = keyVersions(found)
    const faults = faultsOf(versions)
    if (versions.current === undefined) warn(`has no value: no API key is valid. ${howToCreate(calls)}`)
    else warn(faults.length > 0 ? `is invalid; what can be read of it counts: ${faults.join('; ')}` : '')
    return knownKeys(versions)
  }

  /** A key that was not there at the last look may have come since. */
  async function findNew(presented: string): Promise<ApiKey | undefined> {
    await watched.lookAgain()
    const found = find(presented, await watched.current())
    const outage = watched.outage()
    if (!found && outage) throw outage
    return found
  }

  return {
    start: watched.start,

    async create(name, expiresAt) {
      const entry: NamedKey = {
        id: randomUUID().slice(0, 8),
        name,
        api_key: newKey(stage),
        created_at: clock().toISOString(),
        ...(expiresAt && { expires_at: expiresAt.toISOString() }),
      }
      await editKeys(calls, read, (versions) => {
        const { value, entries } = editable(calls, versions)
        const isThere = value.keys.some(({ api_key }) => api_key === entry.api_key)
        const json = { ...value.json, keys: [...entries, entry] }
        const next = { json, previous: versions.previous, callsOff: true }
        return { result: undefined, next: isThere ? undefined : next }
      })
      await watched.readAfterChange()
      return { key: entry.api_key, record: namedRecord(entry) }
    },

    async list() {
      const versions = await readVersions()
      // No keys and no secret are mended in different ways.
      if (!versions) throw missing(calls)
      const records = interpret(versions).map(({ record }) => record)
      return records.sort((one, other) => (one.created_at ?? '').localeCompare(other.created_at ?? ''))
    },

    async revoke(idOrName) {
      let meant: NamedKey | undefined
      const revoked = await editKeys(calls, read, (versions) => {
        const { value, entries } = editable(calls, versions)
        const values = [versions.value(versions.pending), value]
        meant ??= entryOf(idOrName, values)
        const { id } = meant
        const isThere = values.some((one) => one?.keys.some((key) => key.id === id))
        const json = { ...value.json, keys: entries.filter((entry) => idOf(entry) !== id) }
        const next = { json, previous: versions.previous, callsOff: true }
        return { result: meant, next: isThere ? next : undefined }
      })
      await watched.readAfterChange()
      return { ...namedRecord(revoked), revoked_at: clock().toISOString() }
    },

    async revokePrevious() {
      let meant: { id: string; record: ApiKey } | undefined
      const { record } = await editKeys(calls, read, (versions) => {
        const { previous } = versions
        const { json } = editable(calls, versions).value
        if (!meant) {
          if (previous === undefined) throw new AppError('not_found', 'There is no previous key.')
          meant = { id: previous, record: previousRecord(versions.value(previous)) }
        }
        // A version of the same value, so that an edit under way starts over and does not bring the key back. If
        // there is another previous key by now, a rotation came between, and that one is still in use.
        const next = { json, previous: undefined, callsOff: false }
        return { result: meant, next: previous === meant.id ? next : undefined }
      })
      await watched.readAfterChange()
      return { ...record, revoked_at: clock().toISOString() }
    },

    async rotate(tell) {
      const rotation = keyRotation({ calls, read, stage, clock, pauseMs })
      const value = await rotation.run(tell)
      await watched.readAfterChange()
      return { key: value.apiKey as string, record: ownRecord(value, 'current') }
    },

    areKnown: watched.isKnown,

    verify: (presented) =>
      andThen(watched.fresh() ?? watched.current(), (keys) => find(presented, keys) ?? findNew(presented)),
  }
}

/** The current version's value, which an edit changes, and the members of its `keys` as they stand there. */
function editable(
  calls: SecretCalls,
  versions: KeyVersions,
): { value: KeyValue; entries: readonly unknown[] } {
  const value = versions.value(versions.current)
  const entries = value && rawKeys(value)
  if (!entries) throw invalidSecret(calls)
  return { value, entries }
}

function invalidSecret({ resource }: SecretCalls): AppError {
  return new AppError('unavailable', 'The secret is invalid.', {
    operatorMessage: `${resource} is invalid: AWSCURRENT is no JSON object with a list "keys". Fix it first.`,
  })
}

const idOf = (entry: unknown) => (entry as { id?: unknown } | null)?.id

/**
 * The one named key that is meant.
 *
 * @throws AppError `not_found`, `conflict` when several are meant, `invalid_input` for the secret's own key.
 */
function entryOf(idOrName: string, values: (KeyValue | undefined)[]): NamedKey {
  const byId = new Map(values.flatMap((value) => value?.keys ?? []).map((key) => [key.id, key]))
  const matches = [...byId.values()].filter(({ id, name }) => id === idOrName || name === idOrName)
  const [match] = matches
  if (match && matches.length === 1) return match
  if (match) throw new AppError('conflict', `Several keys are named "${idOrName}"; give an id.`)
  if ([OWN_NAME, 'current', 'pending', 'previous'].includes(idOrName)) {
    const message = `"${idOrName}" is the key that rotates: replace it with "keys rotate", then withdraw the old one with "keys revoke --previous".`
    throw new AppError('invalid_input', message)
  }
  throw new AppError('not_found', `No usable key has the id or name "${idOrName}".`)
}

function previousRecord(value: KeyValue | undefined): ApiKey {
  return value ? ownRecord(value, 'previous') : { id: 'previous', name: OWN_NAME, prefix: '(cannot be read)' }
}
