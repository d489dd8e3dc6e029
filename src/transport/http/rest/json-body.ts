import type { FastifyInstance, FastifyRequest } from 'fastify'
import { visit } from 'jsonc-parser'
import { type FieldError, invalidInput, MAX_FIELD_ERRORS } from '../../../domain/errors.ts'
import { joinPath } from '../../../domain/validation.ts'
import { decodeUtf8, isDeeperThan } from '../../../util/json.ts'

/** Far deeper than any input may be, and shallow enough to walk. */
const MAX_WALK = 64

/** Leaves bodies unread for {@link readJsonObject}, so that a caller's rights are judged before its body is. */
export function rawJsonBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  // Fastify refuses types that it cannot take apart before a caller's rights are judged; this one is refused after that.
  scope.addHook('preParsing', ({ headers }, _reply, payload, done) => {
    const type = headers['content-type']
    if (type !== undefined && !isJsonType(type)) headers['content-type'] = 'application/octet-stream'
    done(null, payload)
  })
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
}

/**
 * The JSON object in a request's body; an empty one when there is no body, or `null` in its place. Nothing is replaced or
 * guessed: other types, encodings and charsets, invalid UTF-8, and members that are there twice are refused.
 *
 * @throws AppError `invalid_input`.
 */
export function readJsonObject({ headers, body }: FastifyRequest): Record<string, unknown> {
  if (!Buffer.isBuffer(body) || body.length === 0) return {}
  assertPlainJson(headers['content-encoding'], headers['content-type'])
  const text = decodeUtf8(body)
  if (text === undefined) throw refused('body', 'UTF-8', 'is not valid UTF-8.')
  const value = parse(text)
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw refused('body', 'a JSON object', 'is not a JSON object.')
  }
  if (!isDeeperThan(value, MAX_WALK)) assertNoDuplicates(text)
  return value as Record<string, unknown>
}

function assertPlainJson(encoding = 'identity', contentType = ''): void {
  if (encoding.toLowerCase() !== 'identity') {
    throw refused('content-encoding', 'no encoding', 'is not supported; send the body uncompressed.')
  }
  const [type = '', ...options] = contentType.toLowerCase().split(';')
  if (!isJsonType(type)) {
    throw refused('content-type', 'application/json', 'expected application/json.')
  }
  const charset = options.map((option) => option.trim()).find((option) => option.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw refused('content-type', 'charset=utf-8', 'expected UTF-8, the only charset of JSON.')
  }
}

function isJsonType(contentType: string): boolean {
  return /^\s*application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidInput([
      { path: 'body', expected: 'JSON', message: 'is not JSON.', ...firstErrorPosition(text) },
    ])
  }
}

/** Where a text stops being JSON, counted from 1. */
function firstErrorPosition(text: string): { line: number; column: number } | undefined {
  let position: { line: number; column: number } | undefined
  try {
    visit(
      text,
      {
        onError: (_code, _offset, _length, line, character) => {
          position ??= { line: line + 1, column: character + 1 }
        },
      },
      { disallowComments: true },
    )
  } catch {
    // Nested too deep to be walked: the position stays unknown.
  }
  return position
}

/** `JSON.parse` takes the last of two members of the same name, and so would hide half of what was sent. */
function assertNoDuplicates(text: string): void {
  const faults: FieldError[] = []
  const open: Set<string>[] = []
  visit(text, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty(name, _offset, _length, _line, _character, pathOf) {
      const names = open.at(-1)
      if (names?.has(name)) {
        const path = joinPath('', ...pathOf().map(String), name)
        faults.push({ path, expected: 'each member once', message: 'is there twice.' })
        // More help no caller; a body can hold a hundred thousand.
        if (faults.length >= MAX_FIELD_ERRORS) throw invalidInput(faults)
      }
      names?.add(name)
    },
  })
  if (faults.length > 0) throw invalidInput(faults)
}

function refused(path: string, expected: string, message: string) {
  return invalidInput([{ path, expected, message }])
}
