import { randomUUID } from 'node:crypto'

// What can go wrong between a client and AWS. A fault stands before the real server, hands the request on or does
// not, and may change the answer; several faults stand one behind the other.

/** A request as a server got it. */
export interface Asked {
  /** `PutItem`, `GetSecretValue`, `PutObject`; or method and address, where a request does not say more. */
  op: string
  method: string
  /** With its query. */
  path: string
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  /** The connection breaks after so many bytes of the body. */
  cutAfter?: number
}

/** Nothing at all: the connection breaks. */
export const LOST = 'lost'

export type Respond = (asked: Asked) => Promise<Answer | typeof LOST>

export interface Fault {
  name: string
  /** The only operations that it can befall. */
  only?: RegExp
  act(asked: Asked, respond: Respond): Promise<Answer | typeof LOST>
}

const isJson = ({ headers }: Asked) => headers['x-amz-target'] !== undefined

/** An error as AWS sends it, in the protocol of the request: XML for S3, JSON for others. */
export function errorAnswer(asked: Asked, status: number, code: string, message: string): Answer {
  const id = randomUUID()
  const text = isJson(asked)
    ? JSON.stringify({ __type: code, message })
    : `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message><RequestId>${id}</RequestId></Error>`
  const type = asked.headers['content-type'] ?? 'application/x-amz-json-1.0'
  return {
    status,
    headers: {
      'content-type': isJson(asked) ? type : 'application/xml',
      'x-amzn-requestid': id,
      'x-amz-request-id': id,
    },
    // What answers HEAD has no body.
    body: Buffer.from(asked.method === 'HEAD' ? '' : text),
  }
}

/** Answers with an error of AWS and keeps the request from the server. */
function refuse(status: number, code: string, message: string): Fault {
  return { name: code, act: async (asked) => errorAnswer(asked, status, code, message) }
}

/** Too many requests, as DynamoDB and Secrets Manager say it. */
export const throttle = () => refuse(400, 'ThrottlingException', 'Rate exceeded')

/** Too many requests, as S3 says it. */
export const slowDown = () => refuse(503, 'SlowDown', 'Please reduce your request rate.')

/** The credentials may not do this. */
export function accessDenied(): Fault {
  const name = 'AccessDenied'
  const message = 'User is not authorized to perform this operation.'
  return {
    name,
    async act(asked) {
      return isJson(asked)
        ? errorAnswer(asked, 400, `${name}Exception`, message)
        : errorAnswer(asked, 403, name, message)
    },
  }
}

/** Everything takes so much longer. */
export function latency(ms: number): Fault {
  return {
    name: 'latency',
    async act(asked, respond) {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return respond(asked)
    },
  }
}

/** The request never arrives. */
export const drop = (): Fault => ({ name: 'drop', act: async () => LOST })

/** The server does what was asked, and nobody hears of it. */
export function dropResponse(): Fault {
  return {
    name: 'dropResponse',
    async act(asked, respond) {
      await respond(asked)
      return LOST
    },
  }
}

/** The connection breaks after so many bytes of the answer's body. */
export function cutBody(bytes: number): Fault {
  return {
    name: 'cutBody',
    async act(asked, respond) {
      const answer = await respond(asked)
      return answer === LOST ? LOST : { ...answer, cutAfter: bytes }
    },
  }
}

type Batch = Record<string, unknown[] | { Keys: unknown[] }>

/** Of a batch for DynamoDB only the first `keep` keys of each table go through; the rest comes back unprocessed. */
export function unprocessed(keep: number): Fault {
  return {
    name: 'unprocessed',
    only: /^Batch(Get|Write)Item$/,
    async act(asked, respond) {
      const input = JSON.parse(asked.body.toString()) as { RequestItems: Batch }
      const held = holdBack(input.RequestItems, keep)
      const answer = await respond({ ...asked, body: Buffer.from(JSON.stringify(input)) })
      if (answer === LOST || answer.status !== 200) return answer
      const output = JSON.parse(answer.body.toString()) as Record<string, Batch>
      const field = asked.op === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems'
      const body = Buffer.from(JSON.stringify({ ...output, [field]: held }))
      return { ...answer, headers: { ...answer.headers, 'content-length': `${body.length}` }, body }
    },
  }
}

/** Takes all but the first `keep` out of each table's part. */
function holdBack(batch: Batch, keep: number): Batch {
  const held: Batch = {}
  for (const [table, part] of Object.entries(batch)) {
    const rest = (Array.isArray(part) ? part : part.Keys).splice(keep)
    if (rest.length > 0) held[table] = Array.isArray(part) ? rest : { ...part, Keys: rest }
  }
  return held
}
