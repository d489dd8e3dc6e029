import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { legacyTemplatePaths } from '../../../../src/transport/http/legacy-templates/openapi.ts'
import { openApiDocument } from '../../../../src/transport/http/openapi/document.ts'
import type { ApiPath } from '../../../../src/transport/http/openapi/paths.ts'
import { API_ROOT, restRoutes } from '../../../../src/transport/http/rest/routes.ts'

type Json = Record<string, unknown>
interface Method {
  operationId: string
  parameters?: { name: string; in: string; required: boolean }[]
  requestBody?: { required: boolean }
  responses: Record<string, { headers?: Json }>
  security: Json[]
}
interface Document extends Json {
  paths: Record<string, Record<string, Method>>
  tags: { name: string; description?: string }[]
  components: Record<string, Json>
}

const build = (extra = legacyTemplatePaths) => openApiDocument('https://prompts.example', extra) as Document
const document = build()

/** Every object in the document, with the place where it stands. */
function* objectsIn(value: unknown, path: string[] = []): Generator<[object: Json, path: string[]]> {
  if (typeof value !== 'object' || value === null) return
  yield [value as Json, path]
  for (const [name, member] of Object.entries(value)) yield* objectsIn(member, [...path, name])
}

const addressOf = (path: string[]) =>
  `#/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`

// A difference is a change that every client sees: look at it, then accept it with `npx vitest -u`.
it('is the document of test/golden/openapi.json, every time', async () => {
  const text = `${JSON.stringify(document, null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../../../golden/openapi.json')
  expect(JSON.stringify(build())).toBe(JSON.stringify(document))
})

it('is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
})

it('has every route of the table, the early paths and no other, each under an id of its own', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const routes = [...restRoutes, ...legacyTemplatePaths]
  expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${API_ROOT}${path}`).sort())
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  )
  expect(new Set(ids).size).toBe(routes.length)
  expect(ids).toEqual(expect.arrayContaining(restRoutes.map(({ operation }) => operation.name)))
})

it('says what each tag means', () => {
  for (const { name, description } of document.tags) expect(description, name).toBeTruthy()
})

it('refers to nothing that is not there, and holds no component that nothing refers to', () => {
  const there = new Set([...objectsIn(document)].map(([, path]) => addressOf(path)))
  const referred = new Set(
    [...objectsIn(document)].flatMap(([{ $ref }]) => (typeof $ref === 'string' ? [$ref] : [])),
  )
  expect([...referred].filter((address) => !there.has(address))).toEqual([])
  const components = Object.entries(document.components)
    .filter(([kind]) => kind !== 'securitySchemes')
    .flatMap(([kind, named]) => Object.keys(named).map((name) => addressOf(['components', kind, name])))
  expect(components.filter((address) => !referred.has(address))).toEqual([])
})

describe('examples', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(document, 'openapi.json')
  const examples = [...objectsIn(document)].filter(([object]) => 'schema' in object && 'example' in object)

  it('are there for every body and every success', () => {
    const bodies = [...objectsIn(document)].filter(([, path]) => path.at(-2) === 'content')
    expect(bodies.length).toBeGreaterThan(2 * 10)
    for (const [body, path] of bodies) expect(body['example'], addressOf(path)).toBeDefined()
  })

  it.each(examples.map(([object, path]) => ({ address: addressOf([...path, 'schema']), object })))(
    'at $address are what the schema allows',
    ({ address, object }) => {
      const validate = ajv.compile({ $ref: `openapi.json${address}` })
      validate(object['example'])
      expect(validate.errors).toBeNull()
    },
  )
})

describe('of the address', () => {
  const methodOf = (method: string, path: string) => document.paths[API_ROOT + path]?.[method] as Method
  const parametersOf = (method: Method) => (method.parameters ?? []).map((one) => `${one.in} ${one.name}`)
  const headersOf = (method: Method, status: number) => Object.keys(method.responses[status]?.headers ?? {})
  const prompt = '/admin/prompts/{topic_id}/{prompt_type}'

  it('where services read: tags and 304, keys or tokens, no revision', () => {
    const method = methodOf('get', '/prompts/{topic_id}')
    expect(parametersOf(method)).toEqual([
      'path topic_id',
      'query include_parameters',
      'header If-None-Match',
    ])
    expect(Object.keys(method.responses)).toEqual([
      '200',
      '304',
      '400',
      '401',
      '403',
      '404',
      '429',
      '500',
      '503',
    ])
    expect(headersOf(method, 200)).toContain('ETag')
    expect(method.security).toEqual([{ ApiKey: [] }, { Bearer: [] }])
  })

  it('where administrators edit: the revision by header and by field, tokens or a session, no 304', () => {
    const method = methodOf('put', prompt)
    expect(parametersOf(method)).toEqual(['path topic_id', 'path prompt_type', 'header If-Match'])
    expect(Object.keys(method.responses)).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '409',
      '412',
      '413',
      '429',
      '500',
      '503',
    ])
    expect(headersOf(method, 200)).toContain('ETag')
    expect(method.security).toEqual([{ Bearer: [] }, { Session: [] }])
    expect(method.requestBody?.required).toBe(true)
  })

  it('where administrators delete: everything in the address, and no tag of what is gone', () => {
    const method = methodOf('delete', prompt)
    expect(parametersOf(method)).toEqual([
      'path topic_id',
      'path prompt_type',
      'query expected_revision',
      'header If-Match',
    ])
    expect(method.requestBody).toBeUndefined()
    expect(headersOf(method, 200)).not.toContain('ETag')
  })

  it('where something is created: 201, where it is now, and no revision to expect', () => {
    const method = methodOf('post', prompt)
    expect(headersOf(method, 201)).toEqual(expect.arrayContaining(['Location', 'ETag']))
    expect(Object.keys(method.responses)).not.toContain('412')
    expect(parametersOf(method)).not.toContain('header If-Match')
  })

  it('that both services and administrators have: one operation, two ids, different rules', () => {
    const [forServices, forAdmins] = [methodOf('get', '/prompts'), methodOf('get', '/admin/prompts')]
    expect(forServices.operationId).toBe('topics.list')
    expect(forAdmins.operationId).toBe('topics.list.admin')
    expect(parametersOf(forServices)).toEqual([...parametersOf(forAdmins), 'header If-None-Match'])
    expect(forAdmins.responses[304]).toBeUndefined()
  })
})

it('takes addresses beside those of the table, also with rules over several fields', async () => {
  const extra: ApiPath = {
    method: 'POST',
    path: '/admin/things',
    operationId: 'things.create',
    tag: 'topics',
    schemaName: 'CreateThing',
    title: 'Create thing',
    summary: 'Create a thing.',
    role: 'admin',
    effect: 'write',
    limit: 'admin',
    creates: true,
    input: z.strictObject({ thingId: z.string(), other: z.string().optional() }).refine(() => true),
    answer: z.object({ success: z.literal(true), data: z.object({ thingId: z.string() }) }),
    cache: 'revision',
    example: { input: { thingId: 'a' }, answer: { success: true, data: { thingId: 'a' } } },
  }
  const extended = build([extra])
  const things = extended.paths['/api/v1/admin/things']?.['post']
  expect(things?.requestBody).toMatchObject({
    content: { 'application/json': { example: { thingId: 'a' } } },
  })
  expect(things?.responses).toHaveProperty('201')
  expect(extended.components['schemas']).toHaveProperty('CreateThingRequest')
  expect((await new Validator().validate(extended)).valid).toBe(true)
})
