import { fileKeys } from '../adapters/files/api-keys.ts'
import { type Layout, layoutOf, openLayout } from '../adapters/files/layout.ts'
import { foreignFiles } from '../adapters/files/strays.ts'
import { fileTopics } from '../adapters/files/topics.ts'
import { filePrompts } from '../adapters/files/versions.ts'
import { windowRateLimiter } from '../adapters/memory/rate-limiter.ts'
import type { Config } from '../config.ts'
import { fail, note, ok } from '../deployment/check.ts'
import { toAppError } from '../domain/errors.ts'
import { systemClock as clock } from '../util/time.ts'
import type { Backend, BackendOptions } from './backend.ts'

/** Everything in the data folder; limits in memory. */
export function filesBackend(config: Config, { warn, longRunning }: BackendOptions): Backend {
  const { dataDir, stage, freshnessMs, staleIfErrorMs, limits } = config
  let opened: Layout | undefined
  /** @throws AppError `unavailable` when the folder cannot be used. */
  const layout = () => {
    opened ??= openLayout(dataDir)
    return opened
  }
  const outages = longRunning ? { staleIfErrorMs, warn } : undefined
  return {
    seedsItself: true,
    describe: () => ({
      data: dataDir,
      conversations: `folder ${layoutOf(dataDir).conversations}`,
      fix: 'its files are fixed',
    }),
    async *check() {
      try {
        const { strays } = foreignFiles(layout())
        yield ok(`Data folder ${dataDir} can be read and written`)
        for (const { path, pattern } of strays) {
          yield note(`${path} belongs to no topic by its name: ${pattern}, in lower case`)
        }
      } catch (error) {
        yield fail(toAppError(error).operatorMessage)
      }
    },
    openStore: async () => ({
      topics: fileTopics(layout(), { clock, freshnessMs, warn }),
      prompts: filePrompts(layout()),
    }),
    openLimiter: async () => windowRateLimiter({ perMinute: limits, clock }),
    openKeys: async () => fileKeys(layout(), stage, clock, outages),
    // Loaded when they are called: most commands need none of them.
    async openSecret() {
      const { localSecret } = await import('../adapters/files/signing-secret.ts')
      const secret = localSecret(layout(), stage, outages)
      // Made now, so that tokens of other processes are known here from the first, also in an outage.
      await secret.obtain()
      return secret
    },
    secretSetting: async () => undefined,
    async openSignInCodes() {
      const { fileSignInCodes } = await import('../adapters/files/sign-in-codes.ts')
      return fileSignInCodes(layout(), clock)
    },
    async openConversations() {
      const { fileConversations } = await import('../adapters/files/conversations.ts')
      return fileConversations(layout(), clock, warn)
    },
    // The store is on this machine itself.
    keepSnapshot() {},
  }
}
