import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../helpers/program.ts'

/** What this test reads of a JSON Schema. */
interface Schema {
  $ref?: string
  type?: string
  enum?: string[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  items?: Schema
  maxItems?: number
}

interface Response {
  $ref?: string
  headers?: Record<string, unknown>
  content?: Record<string, { example?: { code?: string; status?: number } }>
}

interface ApiOperation {
  parameters?: { name: string; in: string }[]
  responses: Record<string, Response>
}

interface Api {
  paths: Record<string, Record<string, ApiOperation>>
  components: {
    schemas: Record<string, Schema>
    responses: Record<string, Response>
    headers: Record<string, unknown>
    securitySchemes: Record<string, { name?: string }>
  }
}

const page = await readFile(join(PACKAGE_ROOT, 'docs/dotnet.md'), 'utf8')
const api = JSON.parse(await readFile(join(PACKAGE_ROOT, 'test/golden/openapi.json'), 'utf8')) as Api

/** Which schema each record of the page stands for. */
const RECORDS: Record<string, Schema> = {
  Answer: schemaAt('BatchGetAnswer'),
  Meta: schemaAt('Meta'),
  PartFailure: schemaAt('PartFailure'),
  TopicPrompts: schemaAt('GetPromptsAnswer', 'data'),
  BatchPrompts: schemaAt('BatchGetAnswer', 'data', '*'),
  BatchRequest: schemaAt('BatchGetRequest'),
  RenderRequest: schemaAt('RenderPromptsRequest'),
  KpiAnalysis: schemaAt('AnalyzeKpiAnswer', 'data'),
  Problem: schemaAt('Problem'),
  FieldFault: schemaAt('FieldFault'),
}

/** JSON types that a C# type can hold. */
const JSON_TYPES: Record<string, string> = {
  string: 'string',
  int: 'integer',
  bool: 'boolean',
  IReadOnlyList: 'array',
  IReadOnlyDictionary: 'object',
  Meta: 'object',
}

function schemaAt(name: string, ...members: string[]): Schema {
  return members.reduce<Schema>(
    (schema, member) => {
      const next = member === '*' ? schema.additionalProperties : schema.properties?.[member]
      if (typeof next !== 'object') throw new Error(`${name} has no ${members.join('.')}`)
      return resolved(next)
    },
    resolved({ $ref: `#/components/schemas/${name}` }),
  )
}

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined
    ? schema
    : (api.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema)
}

/** `TopicId` → `topic_id`, as `JsonNamingPolicy.SnakeCaseLower` writes it. */
function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase()
}

/** Every call that the page speaks of: in its text with a method, in its code by the method of HttpClient. */
function callsOf(text: string): string[] {
  const written = [...text.matchAll(/`(GET|POST|PUT|DELETE) \/(api\/v1[^`?\s]*)/g)]
  const coded = [...text.matchAll(/(Get|Post|Put|Delete)(?:\w*Async)?[(,]\s*\$?"(api\/v1[^"?]*)/g)]
  return [...written, ...coded].map(([, method = '', path = '']) => {
    return `${method.toUpperCase()} /${path.replace(/\{(\w+)\}/g, (_, name: string) => `{${snakeCase(name)}}`)}`
  })
}

const servedCalls = [...new Set(callsOf(page))]

function operationOf(call: string): ApiOperation | undefined {
  const [method = '', path = ''] = call.split(' ')
  return api.paths[path]?.[method.toLowerCase()]
}

/** The records of the page, with the C# type of each property by its JSON name. */
function recordsOf(text: string): Record<string, Record<string, string>> {
  const records = [...text.matchAll(/^public sealed record (\w+)(?:<\w+>)?\(([^;]*)\);/gm)]
  return Object.fromEntries(
    records.map(([, name = '', list = '']) => {
      const properties = list.trim().split(/,\s*(?![^<]*>)/)
      return [
        name,
        Object.fromEntries(
          properties.map((property) => {
            const [, type = '', own = ''] = /^(.+) (\w+)$/s.exec(property.trim()) ?? []
            return [snakeCase(own), type]
          }),
        ),
      ]
    }),
  )
}

describe('docs/dotnet.md', () => {
  it('calls only what is served, by the right method', () => {
    expect(callsOf(page), 'every mention of a path is one that this test sees').toHaveLength(
      page.split('api/v1/').length - 1,
    )
    expect(servedCalls).toHaveLength(4)
    expect(servedCalls.filter((call) => !operationOf(call))).toEqual([])
  })

  it('has a schema for each record', () => {
    expect(Object.keys(recordsOf(page)).sort()).toEqual(Object.keys(RECORDS).sort())
  })

  it.each(Object.entries(recordsOf(page)))('writes %s as its schema has it', (name, properties) => {
    const schema = RECORDS[name] as Schema
    const isSent = name.endsWith('Request')
    for (const [property, type] of Object.entries(properties)) {
      const member = schema.properties?.[property]
      expect(member, property).toBeDefined()
      const optional = type.endsWith('?')
      const [bare = ''] = type.replace('?', '').split('<')
      // A generic's parameter can be anything.
      if (bare !== 'T') expect(resolved(member as Schema).type, property).toBe(JSON_TYPES[bare])
      // What an answer may leave out is null in the record.
      if (!isSent)
        expect({ property, optional }).toEqual({ property, optional: !isRequired(schema, property) })
    }
    for (const required of isSent ? (schema.required ?? []) : []) expect(properties).toHaveProperty(required)
  })

  it('names headers that are sent or answered', () => {
    const spans = [...page.matchAll(/`([^`\n]+)`|"([^"\n]+)"/g)].map(([, code, text]) => code ?? text ?? '')
    const written = spans.flatMap((span) => /^[A-Z][a-z]*(?:-[A-Z][a-z]+)+(?=:|$)/.exec(span) ?? [])
    const coded = [...page.matchAll(/\.Headers\.(\w+)/g)].map(([, name = '']) =>
      name === 'ETag' ? name : name.replace(/(?<=[a-z])(?=[A-Z])/g, '-'),
    )
    const operations = servedCalls.flatMap((call) => operationOf(call) ?? [])
    const known = new Set([
      ...Object.keys(api.components.headers),
      ...Object.values(api.components.securitySchemes).map(({ name }) => name),
      ...operations.flatMap(({ parameters = [] }) => parameters.map(({ name }) => name)),
      // Of every answer with a body.
      'Content-Type',
    ])
    const names = [...written, ...coded]
    expect([...new Set(names)].sort()).toEqual([
      'Content-Type',
      'ETag',
      'If-None-Match',
      'Prompts-Stale',
      'Retry-After',
      'X-Api-Key',
      'X-Request-Id',
    ])
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it('lists the failures of its calls, each with its status', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map(
      ([, code, status]) => `${status} ${code}`,
    )
    const refusals = servedCalls.flatMap((call) =>
      Object.entries(operationOf(call)?.responses ?? {}).filter(([status]) => Number(status) >= 400),
    )
    const documented = refusals.map(([status, { $ref = '' }]) => {
      const response = api.components.responses[$ref.split('/').at(-1) ?? '']
      return `${status} ${response?.content?.['application/problem+json']?.example?.code}`
    })
    expect(rows.sort()).toEqual([...new Set(documented)].sort())
  })

  it('asks for no more topics at once than a batch may have', () => {
    const [, most] = /MaxBatch = (\d+)/.exec(page) ?? []
    expect(Number(most)).toBe(schemaAt('BatchGetRequest').properties?.['topic_ids']?.maxItems)
  })
})

function isRequired({ required = [] }: Schema, property: string): boolean {
  return required.includes(property)
}
