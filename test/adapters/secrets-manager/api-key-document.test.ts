import { expect, test } from 'vitest'
import {
  editIn,
  faultsOf,
  hashedKeys,
  keyVersions,
  newEdit,
  parseKeyDocument,
  rawKeys,
} from '../../../src/adapters/secrets-manager/api-key-document.ts'
import type { Labels } from '../../../src/adapters/secrets-manager/secret.ts'
import { digestOf } from '../../../src/domain/api-keys.ts'
import { entry, keyJson } from './secret.ts'

/** Versions by their ids, each with labels and a text or a JSON value. */
function versionsOf(versions: Record<string, [labels: string[], value: object | string | undefined]>) {
  const labels: Labels = Object.fromEntries(Object.entries(versions).map(([id, [labels]]) => [id, labels]))
  const texts = Object.entries(versions).flatMap(([id, [, value]]): [string, string][] =>
    value === undefined ? [] : [[id, typeof value === 'string' ? value : JSON.stringify(value)]],
  )
  return keyVersions({ labels, texts: new Map(texts) })
}

/** The ids of the keys that are valid, by their text. */
function idsOf(versions: ReturnType<typeof versionsOf>, keys: string[]) {
  const stored = hashedKeys(versions)
  return keys.map((key) => stored.find(({ digest }) => digest.equals(digestOf(key)))?.record.id)
}

test('a document is read with its times in one form, and its JSON is kept as it is', () => {
  const json = {
    ...keyJson('own', [entry('a', { created_at: '2026-01-15', expires_at: '2026-02-01T00:00:00+02:00' })]),
    owner: { team: 'x' },
  }
  const document = parseKeyDocument(JSON.stringify(json))
  expect(document).toEqual({
    json: JSON.parse(JSON.stringify(json)),
    apiKey: 'own',
    createdAt: '2026-01-01T00:00:00.000Z',
    keys: [entry('a', { created_at: '2026-01-15T00:00:00.000Z', expires_at: '2026-01-31T22:00:00.000Z' })],
    faults: [],
  })
})

test.each([
  ['no JSON', undefined],
  ['[]', undefined],
  ['null', undefined],
  ['{"api_key": 7, "keys": 1}', ['api_key is no text', 'keys is no list']],
  ['{"api_key": ""}', ['api_key is no text']],
  ['{"api_key": "x", "keys": [{"id": "a"}]}', ['keys.0 is no {id, name, api_key, expires_at?}']],
])('%s has the faults %j', (text, faults) => expect(parseKeyDocument(text)?.faults).toEqual(faults))

test.each([
  ['own\n', 'own'],
  ['own\r\n', 'own'],
  ['own\n\n', 'own\n'],
  [' own ', ' own '],
  ['o\nwn', 'o\nwn'],
  ['\n', undefined],
])('a final line break is not part of a key: %j', (api_key, expected) => {
  const keys = [{ id: 'a', name: 'a', api_key }]
  const document = parseKeyDocument(JSON.stringify({ api_key, keys }))
  expect(document?.apiKey).toBe(expected)
  expect(document?.keys.map((key) => key.api_key)).toEqual(expected === undefined ? [] : [expected])
  // What is stored stays as it is.
  expect(document?.json).toEqual({ api_key, keys })
})

test('entries that cannot be read are kept as they are stored', () => {
  const keys = [{ note: 'by hand' }, null, entry('a')]
  const document = parseKeyDocument(JSON.stringify({ api_key: 'own', keys }))
  expect(document && rawKeys(document)).toEqual(keys)
  expect(document?.keys.map(({ id }) => id)).toEqual(['id-a'])
  const without = parseKeyDocument('{"api_key": "own"}')
  expect(without && rawKeys(without)).toEqual([])
})

test('the key that rotates counts in three stages, named keys in two', () => {
  const versions = versionsOf({
    v1: [['AWSPREVIOUS'], keyJson('own-1', [entry('old')])],
    v2: [['AWSCURRENT'], keyJson('own-2', [entry('now')])],
    v3: [['AWSPENDING'], keyJson('own-3', [entry('next')])],
    v4: [['DRAFT'], keyJson('own-4')],
  })
  expect(idsOf(versions, ['own-1', 'own-2', 'own-3', 'own-4'])).toEqual([
    'previous',
    'current',
    'pending',
    undefined,
  ])
  const named = ['old', 'now', 'next'].map((name) => entry(name).api_key)
  expect(idsOf(versions, named)).toEqual([undefined, 'id-now', 'id-next'])
})

test('a key in several versions has one record, of the current version if it is there', () => {
  const versions = versionsOf({
    v1: [['AWSPREVIOUS'], keyJson('own')],
    v2: [['AWSCURRENT'], keyJson('own', [entry('a')])],
    v3: [['AWSPENDING'], keyJson('next', [entry('a')])],
  })
  expect(hashedKeys(versions).map(({ record }) => record.id)).toEqual(['current', 'pending', 'id-a'])
})

test('after a rotation the label AWSPENDING on the current version means nothing', () => {
  const versions = versionsOf({ v1: [['AWSCURRENT', 'AWSPENDING'], keyJson('own')] })
  expect({ current: versions.current, pending: versions.pending }).toEqual({
    current: 'v1',
    pending: undefined,
  })
})

test('an edit that is not completed says which version is the previous one, and cancels a pending rotation', () => {
  const edit = newEdit('v2', 'v1', 'unique-text')
  const versions = versionsOf({
    v1: [[], keyJson('own-1')],
    v2: [['AWSPREVIOUS'], keyJson('own-2', [entry('gone')])],
    v3: [['AWSPENDING'], keyJson('own-3', [entry('gone')])],
    v4: [['AWSCURRENT', edit.label], keyJson('own-2')],
  })
  expect(versions).toMatchObject({ current: 'v4', pending: 'v3', previous: 'v1', unfinished: edit })
  expect(idsOf(versions, ['own-1', 'own-2', 'own-3', entry('gone').api_key])).toEqual([
    'previous',
    'current',
    'pending',
    undefined,
  ])
})

test('the label of an edit is read as it was written, with and without a previous version', () => {
  for (const previous of ['v1', undefined]) {
    const edit = newEdit('v2', previous, 'unique-text')
    expect(editIn(['AWSCURRENT', edit.label])).toEqual(edit)
  }
  expect(editIn(['AWSCURRENT', 'prompts-edit', 'other/v1/v2/x'])).toBeUndefined()
  expect(editIn()).toBeUndefined()
})

test('faults name the stage, and a version without a text has none', () => {
  const versions = versionsOf({
    v1: [['AWSPREVIOUS'], 'no JSON'],
    v2: [['AWSCURRENT'], { api_key: 1 }],
    v3: [['AWSPENDING'], undefined],
  })
  expect(faultsOf(versions)).toEqual(['AWSCURRENT: api_key is no text', 'AWSPREVIOUS: it is no JSON object'])
})
