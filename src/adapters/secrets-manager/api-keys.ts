import { randomUUID } from 'node:crypto'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type ApiKey, type ApiKeys, type HashedKey, keyFinder, newKey } from '../../domain/api-keys.ts'
import type { OutageOptions } from '../../util/stale-if-error.ts'
import type { Clock } from '../../util/time.ts'
import {
  faultsOf,
  hashedKeys,
  type KeyVersions,
  keyVersions,
  keyVersionsReader,
  type NamedKey,
  namedRecord,
  rotatingRecord,
} from './api-key-document.ts'
import { addKey, editKeys, missingSecret, removeKey, removePrevious } from './api-key-edit.ts'
import { ROTATION_PAUSE_MS, rotateKey } from './rotation.ts'
import { howToCreate, type SecretCalls, secretCalls } from './secret.ts'
import { type SecretVersions, secretCache } from './secret-cache.ts'

/** API keys in AWS. */
export interface SecretKeys extends ApiKeys {
  /** For servers: reads the keys now, so that they are known from the start, and every 30 seconds from now on. */
  start(): Promise<void>
}

/**
 * API keys in a secret of AWS Secrets Manager: one key that rotates, and one key for each named service.
 *
 * @param pauseMs how long every process gets to read a new key before it becomes the current one.
 */
export function secretKeys(
  client: SecretsManagerClient,
  secretName: string,
  stage: string,
  clock: Clock,
  outages: OutageOptions,
  pauseMs = ROTATION_PAUSE_MS,
): SecretKeys {
  const calls = secretCalls(client, secretName, 'PROMPTS_API_KEY_SECRET')
  const readVersions = keyVersionsReader(calls)
  const read = async () => {
    const versions = await readVersions()
    return versions && keyVersions(versions)
  }
  const interpret = keyInterpreter(calls, outages.warn)
  const find = keyFinder(clock)
  const cache = secretCache<HashedKey[]>({
    calls,
    read: readVersions,
    interpret: (versions) => (versions ? interpret(versions) : []),
    withoutSecret: 'no API key is valid',
    clock,
    outages,
  })

  /** A key that was not there at the last reading may have been created since. */
  async function findNew(presented: string): Promise<ApiKey | undefined> {
    await cache.refresh()
    const record = find(presented, await cache.current())
    const outage = cache.outage()
    if (!record && outage) throw outage
    return record
  }

  return {
    start: cache.start,

    async create(name, expiresAt) {
      const key = newNamedKey({ name, stage, now: clock(), expiresAt })
      await editKeys(calls, read, addKey(key))
      await cache.reloadAfterChange()
      return { key: key.api_key, record: namedRecord(key) }
    },

    async list() {
      const versions = await readVersions()
      // An operator fixes a missing secret in another way than an empty one.
      if (!versions) throw missingSecret(calls)
      return interpret(versions)
        .map(({ record }) => record)
        .sort((one, other) => (one.created_at ?? '').localeCompare(other.created_at ?? ''))
    },

    async revoke(idOrName) {
      const key = await editKeys(calls, read, removeKey(idOrName))
      await cache.reloadAfterChange()
      return { ...namedRecord(key), revoked_at: clock().toISOString() }
    },

    async revokePrevious() {
      const record = await editKeys(calls, read, removePrevious())
      await cache.reloadAfterChange()
      return { ...record, revoked_at: clock().toISOString() }
    },

    async rotate(report) {
      const document = await rotateKey({ calls, read, stage, clock, pauseMs }, report)
      await cache.reloadAfterChange()
      return { key: document.apiKey as string, record: rotatingRecord(document, 'current') }
    },

    areKnown: cache.isLoaded,

    async verify(presented) {
      return find(presented, await cache.current()) ?? findNew(presented)
    },
  }
}

function newNamedKey({
  name,
  stage,
  now,
  expiresAt,
}: {
  name: string
  stage: string
  now: Date
  expiresAt: Date | undefined
}): NamedKey {
  return {
    id: randomUUID().slice(0, 8),
    name,
    api_key: newKey(stage),
    created_at: now.toISOString(),
    ...(expiresAt && { expires_at: expiresAt.toISOString() }),
  }
}

/** Reads keys of versions. Warns of an invalid secret once, however often the labels of its versions move. */
export function keyInterpreter(
  calls: Pick<SecretCalls, 'resource' | 'setting'>,
  warn: OutageOptions['warn'],
): (versions: SecretVersions) => HashedKey[] {
  let lastWarning: string | undefined
  return (found) => {
    const versions = keyVersions(found)
    const warning = warningOf(calls, versions)
    if (warning !== undefined && warning !== lastWarning) warn(`${calls.resource} ${warning}`)
    lastWarning = warning
    return hashedKeys(versions)
  }
}

function warningOf(calls: Pick<SecretCalls, 'setting'>, versions: KeyVersions): string | undefined {
  if (versions.current === undefined) return `has no value: no API key is valid. ${howToCreate(calls)}`
  const faults = faultsOf(versions)
  return faults.length > 0 ? `is invalid; what can be read of it counts: ${faults.join('; ')}` : undefined
}
