import type { Served } from '../adapters/snapshot/snapshot.ts'
import type { Config } from '../config.ts'
import type { ApiKeys } from '../domain/api-keys.ts'
import type { PromptStore } from '../domain/prompt-store.ts'
import type { RateLimiter } from '../domain/rate-limiter.ts'
import type { SignInCodes } from '../domain/sign-in.ts'
import type { SigningSecret } from '../domain/tokens.ts'
import type { TopicRepository } from '../domain/topic.ts'
import { filesBackend } from './files.ts'

/** All that depends on where a deployment keeps its data (PROMPTS_STORE). Each part is made when it is asked for. */
export interface Backend {
  openStore(): Promise<{ topics: TopicRepository; prompts: PromptStore }>
  openLimiter(): Promise<ClosableLimiter>
  openKeys(): Promise<ApiKeys>
  /** What this installation signs tokens and sessions with. */
  openSecret(): Promise<SigningSecret>
  openSignInCodes(): Promise<SignInCodes>
  /** Keeps a copy of what is served for a start in an outage, if that is wanted (PROMPTS_SNAPSHOT_FILE). */
  keepSnapshot(served: Served): void
}

interface ClosableLimiter extends RateLimiter {
  /** Tells others what was spent here. */
  close(): Promise<void>
}

export interface BackendOptions {
  /** Told of what is wrong with the places where things are kept. */
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
