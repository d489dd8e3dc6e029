import type { FastifyInstance, FastifyRequest } from 'fastify'
import { visit } from 'jsonc-parser'
import { type FieldError, invalidInput, MAX_FIELD_ERRORS } from '../../../domain/errors.ts'
import { decodeUtf8Json, isDeeperThan } from '../../../domain/json.ts'
import { joinPath } from '../../../domain/validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The `Content-Type` that came, in scopes whose bodies are kept raw. */
    sentType: string | undefined
  }
}

/** Far deeper than any input may be, and shallow enough to walk. */
const MAX_WALK = 64

/** Leaves bodies unread for {@link readJsonObject}, so that a caller's rights are judged before its body is. */
export function rawJsonBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  // Fastify refuses types that it cannot take apart before anybody else may look: it gets another one to see.
  scope.addHook('onRequest', (request, _, done) => {
    const { headers } = request
    request.sentType = headers['content-type']
    if (request.sentType !== undefined) headers['content-type'] = 'application/octet-stream'
    done()
  })
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
}

/**
 * The JSON object in a request's body; an empty one when there is no body. Nothing is replaced or guessed (spec §3):
 * other types, encodings and charsets, invalid UTF-8, and members that are there twice are refused.
 *
 * @throws AppError `invalid_input`.
 */
export function readJsonObject({ headers, sentType, body }: FastifyRequest): Record<string, unknown> {
  if (!Buffer.isBuffer(body) || body.length === 0) return {}
  assertPlainJson(headers['content-encoding'], sentType)
  const text = decodeUtf8Json(body)
  if (text === undefined) throw refused('body', 'UTF-8', 'is not valid UTF-8.')
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
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
  if (!/^application\/([\w.-]+\+)?json$/.test(type.trim())) {
    throw refused('content-type', 'application/json', 'expected application/json.')
  }
  const charset = options.map((option) => option.trim()).find((option) => option.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw refused('content-type', 'charset=utf-8', 'expected UTF-8, the only charset of JSON.')
  }
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
    // Nested too deep to be walked: then the place is not told.
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
        // Enough is told; a body can hold a hundred thousand.
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
