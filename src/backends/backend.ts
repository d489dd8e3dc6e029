import type { Report } from '../deployment/aws/provision/properties.ts'
import type { Check } from '../deployment/check.ts'
import type { ApiKeys } from '../domain/api-keys.ts'
import type { ConversationStore } from '../domain/conversation.ts'
import type { PromptStore } from '../domain/prompt-store.ts'
import type { ClosableRateLimiter } from '../domain/rate-limiter.ts'
import type { FindSecretSetting } from '../domain/secret-settings.ts'
import type { SignInCodes } from '../domain/sign-in.ts'
import type { SnapshotSource } from '../domain/snapshot-source.ts'
import type { SigningSecret } from '../domain/tokens.ts'
import type { TopicRepository } from '../domain/topic.ts'

/**
 * All that depends on where a deployment keeps its data (PROMPTS_STORE). Each part is made when it is asked for.
 *
 * @example
 * const backend = await openBackend(config, { warn, longRunning: false })
 * for await (const { level, text } of backend.check()) console.log(level, text)
 * const keys = await backend.openKeys()
 */
export interface Backend {
  /** Whether a first start sets everything up: topics from `seeds/`, and an API key. Elsewhere an operator does. */
  readonly seedsItself: boolean
  describe(): BackendDescription
  /**
   * Looks at everything that is needed and tries what the program does with it, without changing data. Never throws:
   * what cannot be looked at is a check that fails.
   */
  check(): AsyncIterable<Check>
  /**
   * Makes what is needed, or completes what is there; missing where nothing has to be made.
   *
   * @throws AppError at the first thing that cannot be made: `conflict` when something else is in the way.
   */
  provision?(options: ProvisionOptions): Promise<void>
  openStore(): Promise<{ topics: TopicRepository; prompts: PromptStore }>
  openLimiter(): Promise<ClosableRateLimiter>
  openKeys(): Promise<ApiKeys>
  /** What this installation signs tokens and sessions with. */
  openSecret(): Promise<SigningSecret>
  openSignInCodes(): Promise<SignInCodes>
  /** Secrets among the settings that are not in the environment. */
  secretSetting: FindSecretSetting
  openConversations(): Promise<ConversationStore>
  /** Keeps a copy of what is served for a start in an outage, if that is wanted (PROMPTS_SNAPSHOT_FILE). */
  keepSnapshot(source: SnapshotSource): void
}

interface BackendDescription {
  /** Where topics are: the data folder, or the table. */
  data: string
  /** Where conversations are, in words: `folder /home/ada/…`, `table purposepath-conversations-dev`. */
  conversations: string
  /** What ends the invalidity of a topic: `its files are fixed`. */
  fix: string
}

interface ProvisionOptions {
  /** How long a change of one resource may take. */
  maxWaitMs: number
  /** Called with what is waited for, once for each wait that a user notices. */
  onWait: (what: string) => void
  /** Called with each thing as soon as it is made or found. */
  report: Report
}

export interface BackendOptions {
  /** Called when a store, a secret or a file cannot be used as it should. */
  warn: (message: string, cause?: unknown) => void
  /** Called when AWS throttles a call. @param service for example `dynamodb`. */
  onThrottled?: ((service: string) => void) | undefined
  /** For servers: what is known of keys and secrets is kept up to date, and outlives an outage. */
  longRunning: boolean
}
