import { type Asked, accessDenied, type Fault } from '../stand-ins/faults.ts'

// Which permissions the requests need that a program sends to AWS.

/** One permission. Region, account and stage are placeholders, as in the policies of `deploy/`. */
export interface Need {
  action: string
  resource: string
}

/** Remembers every request that passes; to be injected for good. */
export function recorder(): { requests: Asked[]; fault: Fault } {
  const requests: Asked[] = []
  const fault: Fault = {
    name: 'recorder',
    act(asked, respond) {
      requests.push(asked)
      return respond(asked)
    },
  }
  return { requests, fault }
}

/** Denies the `nth` request of all that it is injected for, and remembers it. */
export function denyingNth(nth: number): Fault & { asked: Asked[] } {
  const deny = accessDenied()
  const asked: Asked[] = []
  let count = 0
  return {
    name: 'denyingNth',
    asked,
    act(request, respond) {
      count++
      if (count !== nth) return respond(request)
      asked.push(request)
      return deny.act(request, respond)
    },
  }
}

/** The IAM actions of requests, each once and in order. */
export function actionsOf(requests: readonly Asked[]): string[] {
  return [...new Set(requests.flatMap((asked) => needsOf(asked, '')).map(({ action }) => action))].sort()
}

/** The permissions that a request needs on the resources of a stage. */
export function needsOf(asked: Asked, stage: string): Need[] {
  const target = String(asked.headers['x-amz-target'] ?? '')
  const needs = target.startsWith('DynamoDB')
    ? dynamodbNeeds(asked)
    : target.startsWith('secretsmanager')
      ? secretNeeds(asked)
      : s3Needs(asked)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as the policies say it.
  const placeholder = '${Stage}'
  return needs.map(({ action, resource }) => ({
    action,
    resource: stage === '' ? resource : resource.replaceAll(stage, placeholder),
  }))
}

const arnIn = (service: string, name: string) => `arn:aws:${service}:\${Region}:\${Account}:${name}`

interface DynamoInput {
  TableName: string
  IndexName?: string
  TransactItems?: Record<string, { TableName: string }>[]
  RequestItems?: Record<string, unknown>
}

/** What of a transaction has an action of its own name, and what a transaction calls otherwise. */
const OF_TRANSACTIONS: Record<string, string> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  Get: 'GetItem',
  ConditionCheck: 'ConditionCheckItem',
}

function dynamodbNeeds({ op, body }: Asked): Need[] {
  const input = JSON.parse(body.toString()) as DynamoInput
  const need = (name: string, table: string) => ({
    action: `dynamodb:${name}`,
    resource: arnIn('dynamodb', `table/${table}`),
  })
  if (input.TransactItems) {
    return input.TransactItems.flatMap(Object.entries<{ TableName: string }>).map(([kind, { TableName }]) =>
      need(OF_TRANSACTIONS[kind] as string, TableName),
    )
  }
  if (input.RequestItems) return Object.keys(input.RequestItems).map((table) => need(op, table))
  const { TableName, IndexName } = input
  return [need(op, IndexName === undefined ? TableName : `${TableName}/index/${IndexName}`)]
}

function secretNeeds({ op, body }: Asked): Need[] {
  const { SecretId, Name } = JSON.parse(body.toString()) as { SecretId?: string; Name?: string }
  const resource = arnIn('secretsmanager', `secret:${SecretId ?? Name}-??????`)
  return [{ action: `secretsmanager:${op}`, resource }]
}

/** Actions of requests that carry one of these words in their query, by method. */
const OF_BUCKETS: [word: string, actions: Record<string, string>][] = [
  ['versioning', { GET: 'GetBucketVersioning', PUT: 'PutBucketVersioning' }],
  ['lifecycle', { GET: 'GetLifecycleConfiguration', PUT: 'PutLifecycleConfiguration' }],
  ['publicAccessBlock', { GET: 'GetBucketPublicAccessBlock', PUT: 'PutBucketPublicAccessBlock' }],
  ['policy', { GET: 'GetBucketPolicy', PUT: 'PutBucketPolicy' }],
  ['versions', { GET: 'ListBucketVersions' }],
]
const OF_WHOLE_BUCKETS: Record<string, string> = {
  GET: 'ListBucket',
  HEAD: 'ListBucket',
  PUT: 'CreateBucket',
}
const OF_OBJECTS: Record<string, string> = {
  GET: 'GetObject',
  HEAD: 'GetObject',
  PUT: 'PutObject',
  DELETE: 'DeleteObject',
}

function s3Needs({ method, path }: Asked): Need[] {
  const { pathname, searchParams } = new URL(path, 'http://s3')
  const [, bucket = '', ...key] = decodeURIComponent(pathname).split('/')
  const isBucket = key.join('/') === ''
  const special = OF_BUCKETS.find(([word]) => searchParams.has(word))?.[1]
  const ofObject = `${OF_OBJECTS[method]}${searchParams.has('versionId') ? 'Version' : ''}`
  const name = isBucket ? (special ?? OF_WHOLE_BUCKETS)[method] : ofObject
  return [
    { action: `s3:${name}`, resource: `arn:aws:s3:::${isBucket ? bucket : [bucket, ...key].join('/')}` },
  ]
}
