import packageJson from '../../../../package.json' with { type: 'json' }
import { API_ROOT } from '../rest/routes.ts'
import { headerComponents, responses, responsesOf, securityOf, securitySchemes } from './answers.ts'
import { type ApiPath, inputLocations, tablePaths } from './paths.ts'
import { componentSchemas, fieldSchemas, schemaRef } from './schemas.ts'

const DESCRIPTION = `Every answer is \`{data, meta?, errors?}\`; every failure is a problem document (RFC 9457) whose \
\`code\` is what programs decide by. Unknown fields are refused. Everyone gets the current texts; revisions serve only \
edits, which may say the revision that they were made from.`

/** What the nouns of operations mean. */
const TAGS: Readonly<Record<string, string>> = {
  conversations:
    'Conversations of a user with a language model about a coaching topic; each user sees just their own.',
  keys: 'API keys of backend services. A key itself is shown once, when it is created.',
  prompts: 'Prompt texts: as they are served to programs, and as administrators edit them.',
  templates: 'Two addresses of an early design, in its camelCase shapes; a `templateId` is a `topic_id`.',
  topics: 'Topics: what a prompt is for, the parameters that its texts may use, and its model settings.',
}

/**
 * The OpenAPI 3.1 document of everything below `/api/v1`. Takes a while: build it once.
 *
 * @param publicUrl where clients reach this server, without a trailing slash.
 * @param extra routes beside those of the table.
 */
export function openApiDocument(publicUrl: string, extra: readonly ApiPath[] = []): object {
  const paths = [...tablePaths(), ...extra]
  return {
    openapi: '3.1.0',
    info: {
      title: 'PurposePath prompts',
      version: packageJson.version,
      summary: packageJson.description,
      description: DESCRIPTION,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set(paths.map(({ tag }) => tag))].map((name) => ({ name, description: TAGS[name] })),
    paths: groupedByAddress(paths),
    components: { schemas: componentSchemas(paths), responses, headers: headerComponents, securitySchemes },
  }
}

function groupedByAddress(paths: readonly ApiPath[]): Record<string, Record<string, object>> {
  const grouped: Record<string, Record<string, object>> = {}
  for (const path of paths) {
    const address = API_ROOT + path.path
    grouped[address] = { ...grouped[address], [path.method.toLowerCase()]: operationObject(path) }
  }
  return grouped
}

function operationObject(path: ApiPath): object {
  const { operationId, tag, title, summary, role, limit } = path
  const parameters = [...fieldParameters(path), ...headerParameters(path), ...conditionParameters(path)]
  return {
    operationId,
    tags: [tag],
    summary: title,
    description: `${summary}\n\nLeast role: \`${role}\`. Counts against the limit \`${limit}\`.`,
    security: securityOf(path),
    ...(parameters.length > 0 && { parameters }),
    ...bodyOf(path),
    responses: responsesOf(path),
  }
}

/** The input fields that stand in the path or in the query. */
function fieldParameters(path: ApiPath): object[] {
  const { inPath, inQuery } = inputLocations(path)
  const fields = fieldSchemas(path.input)
  const given = path.example.input
  return [...inPath, ...inQuery].map((name) => {
    const { schema: { description, ...schema } = {}, required = false } = fields[name] ?? {}
    return {
      name,
      in: inPath.includes(name) ? 'path' : 'query',
      ...(description !== undefined && { description }),
      required,
      schema,
      ...(Object.hasOwn(given, name) && { example: given[name] }),
    }
  })
}

/** The input fields that stand in a header. */
function headerParameters(path: ApiPath): object[] {
  const fields = fieldSchemas(path.input)
  return inputLocations(path).inHeader.map(({ header, field, write }) => {
    const { schema: { description, default: _, ...schema } = {} } = fields[field] ?? {}
    return {
      name: header,
      in: 'header',
      description,
      required: false,
      // A field that is written in some form of its own is a text.
      schema: schema.type === 'string' ? schema : { type: 'string' },
      example: write(path.example.input[field]),
    }
  })
}

/** Headers by which a call depends on what the caller knows already. */
function conditionParameters({ cache, headers }: ApiPath): object[] {
  const schema = { type: 'string' }
  if (cache === 'content') {
    const description =
      'The ETag of an earlier answer: if nothing has changed, the answer is 304 without a body.'
    return [{ name: 'If-None-Match', in: 'header', description, required: false, schema }]
  }
  if (!headers?.includes('if-match')) return []
  const description = 'The ETag of what the edit was made from; another way to say `expected_revision`.'
  return [{ name: 'If-Match', in: 'header', description, required: false, schema }]
}

function bodyOf(path: ApiPath): { requestBody?: object } {
  const { inBody } = inputLocations(path)
  if (inBody.length === 0) return {}
  const fields = fieldSchemas(path.input)
  const example =
    path.wholeBody === undefined
      ? Object.fromEntries(Object.entries(path.example.input).filter(([name]) => inBody.includes(name)))
      : path.example.input[path.wholeBody]
  const content = { 'application/json': { schema: schemaRef(`${path.schemaName}Request`), example } }
  return { requestBody: { required: inBody.some((name) => fields[name]?.required), content } }
}
