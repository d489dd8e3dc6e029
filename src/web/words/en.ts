import { topicWords } from './en-topic.ts'

export type TimeUnit = 'minute' | 'hour' | 'day' | 'month' | 'year'

/** All texts of the page. Other languages have the same members. */
export const en = {
  ...topicWords,
  /** What the server says, by its English words: see `translated`. */
  phrases: {} as Record<string, string>,
  skipToContent: 'Skip to content',
  navigation: 'Sections',
  close: 'Close',
  cancel: 'Cancel',
  loading: 'Loading…',
  tryAgain: 'Try again',
  undo: 'Undo',
  copy: 'Copy',
  copyNamed: (what: string) => `Copy ${what}`,
  copied: 'Copied.',
  notCopied: 'This browser does not allow copying here. Select the text and copy it.',
  /** Our own: `Intl.RelativeTimeFormat` takes longer to make than the whole list. */
  time: {
    now: 'now',
    ago: (count: number, unit: TimeUnit) => `${counted(count, unit)} ago`,
    in: (count: number, unit: TimeUnit) => `in ${counted(count, unit)}`,
  },
  states: { active: 'Active', inactive: 'Inactive', deleted: 'Deleted' },
  failures: {
    unknown: (what: string) => `Something went wrong in this page: ${what}`,
    byCode: {
      unreachable: 'The server does not answer.',
      unauthenticated: 'You are not signed in.',
      forbidden: 'You may not do this.',
      rate_limited: 'Too many requests. Wait a moment, then try again.',
      unavailable: 'The server cannot reach its store at the moment. Nothing was changed.',
    },
  },
  connection: {
    lost: 'The server does not answer. What you type is kept in this browser; trying again…',
  },
  signIn: {
    title: 'Sign in',
    how: 'Run this where the server runs, then open the printed link in this browser:',
    once: 'The link works once, for ten minutes.',
    again: 'I have signed in',
    issuer: 'Does your organisation sign you in?',
    withAccount: 'Sign in with your account',
    ended: 'Your session has ended. Everything you typed is still here. Open a new link in another tab:',
  },
  notFound: {
    title: 'There is nothing here',
    text: 'The address is not complete, or what was here has been removed.',
    home: 'All topics',
  },
  settings: {
    title: 'Settings',
    signedInAs: 'Signed in as',
    theme: 'Colours',
    themes: { auto: 'As the system', light: 'Light', dark: 'Dark' },
    language: 'Language',
    signOut: 'Sign out',
  },
  keys: {
    title: 'Keyboard shortcuts',
    single: 'Use shortcuts of a single key',
    meanings: {
      help: 'Show this list',
      search: 'Search topics',
      create: 'New topic',
      list: 'Move through the list, open a topic',
      save: 'Save the text; it goes live',
      find: 'Find and replace in the text',
      complete: 'Suggest variables',
      undo: 'Undo in the text',
      leave: 'Leave the text and go on',
      escape: 'Close dialogs, suggestions and search',
    },
  },
  topics: {
    title: 'Topics',
    search: 'Search topics',
    searchHint: 'Search id, name, description, parameters',
    type: 'Type',
    category: 'Category',
    state: 'State',
    prompts: 'Prompts',
    allTypes: 'All types',
    allCategories: 'All categories',
    states: { all: 'All states', active: 'Active', inactive: 'Inactive', deleted: 'Deleted' },
    columns: { name: 'Name', updated: 'Changed' },
    count: (shown: number, all: number, isComplete: boolean) =>
      `${shown === all ? all : `${shown} of ${all}`}${isComplete ? '' : '…'} ${all === 1 ? 'topic' : 'topics'}`,
    create: 'New topic',
    none: 'No topic matches.',
    clear: 'Show all topics',
    noneYet: 'No topics yet. A topic holds the prompts for one task, and says which values they need.',
    noneDeleted: 'No topic is deleted. Deleted topics stay here, and can be revived.',
    revive: 'Revive',
    revived: (name: string) => `“${name}” is back.`,
    deleted: (name: string) => `“${name}” is deleted.`,
  },
  create: {
    title: 'New KPI topic',
    copyTitle: (name: string) => `Copy of “${name}”`,
    copyName: (name: string) => `${name} (copy)`,
    name: 'Name',
    id: 'Id',
    idHint: 'Lower-case letters, digits and underscores. It never changes.',
    free: 'This id is free. It never changes.',
    idProblems: {
      invalid: 'Only lower-case letters, digits and underscores, at most 64.',
      taken: 'There is a topic with this id already.',
      deleted: 'A deleted topic has this id. Revive it instead, from the list of deleted topics.',
    },
    description: 'Description',
    submit: 'Create topic',
  },
  difference: 'Show difference',
  revision: (revision: number) => `Revision ${revision}`,
  liveRevision: (revision: number) => `Live, revision ${revision}`,
  apiKeys: {
    title: 'API keys',
    hint: 'Programs fetch prompts with a key in the header X-Api-Key. Give each program its own.',
    create: 'New key',
    submit: 'Create key',
    name: 'Name',
    nameHint: 'The program that will use it: letters, digits, dots, @, _ and -.',
    ttl: 'Expires after (optional)',
    ttlHint: 'For example 12h or 90d. Empty: never.',
    none: 'No keys yet. Without one, no program gets a prompt.',
    once: 'Copy the key now. It is shown only this once.',
    key: 'the key',
    done: 'Done',
    created: 'created',
    expires: 'expires',
    isRevoked: 'Revoked',
    revoke: 'Revoke',
    revokeNamed: (name: string) => `Revoke ${name}`,
    reallyRevoke: 'Revoke for good',
    revokeWarning: 'Programs that use this key will be refused at once. It cannot be brought back.',
    revoked: (name: string) => `“${name}” is revoked.`,
  },
}

export type Words = typeof en

function counted(count: number, unit: TimeUnit): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
