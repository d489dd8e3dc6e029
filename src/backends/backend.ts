import type { SigningSecret } from '../adapters/files/signing-secret.ts'
import type { Config } from '../config.ts'
import type { ApiKeys } from '../domain/api-keys.ts'
import type { PromptStore } from '../domain/prompt-store.ts'
import type { ClosableRateLimiter } from '../domain/rate-limiter.ts'
import type { SignInCodes } from '../domain/sign-in.ts'
import type { SnapshotSource } from '../domain/snapshot-source.ts'
import type { TopicRepository } from '../domain/topic.ts'
import { filesBackend } from './files.ts'

/** All that depends on where a deployment keeps its data (PROMPTS_STORE). Each part is made when it is asked for. */
export interface Backend {
  openStore(): Promise<{ topics: TopicRepository; prompts: PromptStore }>
  openLimiter(): Promise<ClosableRateLimiter>
  openKeys(): Promise<ApiKeys>
  /** What this installation signs tokens and sessions with. */
  openSecret(): Promise<SigningSecret>
  openSignInCodes(): Promise<SignInCodes>
  /** Keeps a copy of what is served for a start in an outage, if that is wanted (PROMPTS_SNAPSHOT_FILE). */
  keepSnapshot(source: SnapshotSource): void
}

export interface BackendOptions {
  /** Called when a store, a secret or a file cannot be used as it should. */
  warn: (message: string, cause?: unknown) => void
  /** For servers: what is known of keys and secrets is kept up to date, and outlives an outage. */
  longRunning: boolean
}

/** The backend that the settings choose. The one in AWS is loaded only there: its clients take long to load. */
export async function openBackend(config: Config, options: BackendOptions): Promise<Backend> {
  if (config.store === 'files') return filesBackend(config, options)
  const { awsBackend } = await import('./aws.ts')
  return awsBackend(config, options)
}
