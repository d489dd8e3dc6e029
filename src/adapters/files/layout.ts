import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { isIdentifier } from '../../domain/identifiers.ts'
import { promptKey } from '../../domain/prompt-store.ts'

/**
 * Where everything of a files store is. `topics/` and `prompts/` belong to people and to git; `.purposepath/` is
 * the program's own and ignores itself in git:
 *
 * - `state/{topic_id}.json`     the record as last published, deleted topics included
 * - `versions/{topic_id}/{prompt_type}/{revision}.json`  every text that was ever published
 * - `jwt-secret-{stage}`        what this installation signs its tokens and sessions with
 * - `sign-in/{hash}.json`       codes of sign-in links that were not used yet
 * - `conversations/{hash}/{conversation_id}.jsonl`  conversations, in a folder for each owner
 * - `locks/`, `tmp/`, `keys.json`
 */
export function layoutOf(root: string) {
  const own = join(root, '.purposepath')
  return {
    root,
    own,
    topics: join(root, 'topics'),
    prompts: join(root, 'prompts'),
    states: join(own, 'state'),
    locks: join(own, 'locks'),
    tmp: join(own, 'tmp'),
    keys: join(own, 'keys.json'),
    signIn: join(own, 'sign-in'),
    signInCode: (hash: string) => join(own, 'sign-in', `${hash}.json`),
    conversations: join(own, 'conversations'),
    jwtSecret: (stage: string) => join(own, `jwt-secret-${stage}`),
    definition: (topic_id: string) => join(root, 'topics', `${topic_id}.json`),
    promptFolder: (topic_id: string) => join(root, 'prompts', topic_id),
    body: (topic_id: string, prompt_type: string) => join(root, promptKey(topic_id, prompt_type)),
    state: (topic_id: string) => join(own, 'state', `${topic_id}.json`),
    versions: (topic_id: string, prompt_type: string) => join(own, 'versions', topic_id, prompt_type),
    version: (topic_id: string, prompt_type: string, revision: number | string) =>
      join(own, 'versions', topic_id, prompt_type, `${revision}.json`),
  }
}
export type Layout = ReturnType<typeof layoutOf> & {
  /** Called before every change of a file; throws when this process has lost the lock that it works under. */
  assertHeld?: () => void
}

const ABANDONED_MS = 60_000

/**
 * Makes the folders of a store, and sweeps temporary files that a killed process left.
 *
 * @throws AppError `unavailable` when the folder cannot be made or written.
 */
export function openLayout(root: string): Layout {
  const layout = layoutOf(root)
  try {
    for (const folder of [
      layout.topics,
      layout.prompts,
      layout.states,
      layout.locks,
      layout.tmp,
      layout.signIn,
    ]) {
      makeFolder(folder)
    }
    makeFolder(layout.conversations, 0o700)
    const ignore = join(layout.own, '.gitignore')
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n')
    accessSync(layout.tmp, constants.W_OK)
    for (const name of readdirSync(layout.tmp)) {
      const path = join(layout.tmp, name)
      const left = statSync(path, { throwIfNoEntry: false })
      if (left && Date.now() - left.mtimeMs > ABANDONED_MS) rmSync(path, { force: true })
    }
  } catch (error) {
    throw storeFailure(root, error)
  }
  return layout
}

/** The topic ids by which JSON files of a folder are named. */
export function topicIdsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .filter(isIdentifier)
    .sort()
}

/** Makes a folder and those above it. Node's own way to do so never ends in places like /proc. */
function makeFolder(path: string, mode?: number): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** What a person can act on, from an error of the file system. */
export function storeFailure(root: string, error: unknown): AppError {
  const { code } = error as NodeJS.ErrnoException
  const reason =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? 'permission denied'
      : code === 'ENOTDIR' || code === 'EEXIST'
        ? 'it is not a folder'
        : code === 'ENOENT'
          ? 'it does not exist'
          : code === 'ENOSPC'
            ? 'the disk is full'
            : (error as Error).message
  const hint = `Set PROMPTS_DATA_DIR to a folder that this user may write.`
  const operatorMessage = `Cannot use the data folder ${root}: ${reason}. ${hint}`
  return new AppError('unavailable', 'The store cannot be reached or written.', {
    operatorMessage,
    cause: error,
  })
}
