import { expect, test } from 'vitest'
import {
  keyVersions,
  type NamedKey,
  rawKeys,
} from '../../../src/adapters/secrets-manager/api-key-document.ts'
import {
  addKey,
  type CurrentKeys,
  removeKey,
  removePrevious,
} from '../../../src/adapters/secrets-manager/api-key-edit.ts'
import { failureAtOnce } from '../../helpers/errors.ts'
import { entry, keyJson } from './secret.ts'

/** The keys of a secret with these versions. */
function keysOf(stages: { current: object; pending?: object; previous?: object }): CurrentKeys {
  const ids = Object.keys(stages)
  const versions = keyVersions({
    labels: Object.fromEntries(ids.map((id) => [id, [`AWS${id.toUpperCase()}`]])),
    texts: new Map(Object.entries(stages).map(([id, value]) => [id, JSON.stringify(value)])),
  })
  const document = versions.document('current')
  if (!document) throw new Error('expected a JSON object')
  return { versions, document, entries: rawKeys(document) ?? [] }
}

const NEW: NamedKey = { id: 'new', name: 'new', api_key: 'new-key' }

test('an added key comes last, and all else stays', () => {
  const current = keyJson('own', [entry('a')], { extra: [1] })
  const keys = keysOf({ current, previous: keyJson('old') })
  expect(addKey(NEW)(keys)).toEqual({
    result: undefined,
    next: { json: { ...current, keys: [entry('a'), NEW] }, previous: 'previous', cancelsRotation: true },
  })
})

test('a key that an earlier attempt has added needs nothing more', () =>
  expect(addKey(NEW)(keysOf({ current: keyJson('own', [NEW as never]) }))).toEqual({ result: undefined }))

test('a removed key takes no other entry with it, also none that cannot be read', () => {
  const odd = { note: 'by hand' }
  const current = { api_key: 'own', keys: [odd, null, entry('a'), entry('b')] }
  for (const idOrName of ['a', 'id-a']) {
    expect(removeKey(idOrName)(keysOf({ current }))).toEqual({
      result: entry('a'),
      next: {
        json: { api_key: 'own', keys: [odd, null, entry('b')] },
        previous: undefined,
        cancelsRotation: true,
      },
    })
  }
})

test('a key that is only in a pending rotation is removed by cancelling it', () => {
  const keys = keysOf({ current: keyJson('own'), pending: keyJson('next', [entry('a')]) })
  expect(removeKey('a')(keys)).toMatchObject({ result: { id: 'id-a' }, next: { cancelsRotation: true } })
})

test('later attempts remove the key of the first one', () => {
  const change = removeKey('a')
  change(keysOf({ current: keyJson('own', [entry('a')]) }))
  const others = keysOf({ current: keyJson('own', [entry('a', { id: 'another' })]) })
  expect(change(others)).toEqual({ result: entry('a') })
})

test.each([
  ['nothing', 'not_found'],
  ['twin', 'conflict'],
  ['backend', 'invalid_input'],
  ['current', 'invalid_input'],
])('removing %s is refused: %s', (idOrName, code) => {
  const current = keyJson('own', [entry('twin'), entry('twin', { id: 'id-2' })])
  expect(failureAtOnce(() => removeKey(idOrName)(keysOf({ current }))).code).toBe(code)
})

test('the previous key is removed by a version of the same value', () => {
  const current = keyJson('own')
  expect(removePrevious()(keysOf({ current, previous: keyJson('old') }))).toEqual({
    result: expect.objectContaining({ id: 'previous', name: 'backend' }),
    next: { json: JSON.parse(JSON.stringify(current)), previous: undefined, cancelsRotation: false },
  })
  expect(failureAtOnce(() => removePrevious()(keysOf({ current }))).code).toBe('not_found')
})

test('a previous version that came with a rotation between two attempts stays', () => {
  const change = removePrevious()
  const keys = keysOf({ current: keyJson('own'), previous: keyJson('old') })
  change(keys)
  const after = { ...keys, versions: { ...keys.versions, previous: 'another' } }
  expect(change(after)).toEqual({ result: expect.objectContaining({ id: 'previous' }) })
})
