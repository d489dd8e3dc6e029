import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

interface JsonAttribute {
  key: string
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number; arrayValue?: JsonArray }
}
interface JsonArray {
  values: { stringValue: string }[]
}
interface JsonSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: JsonAttribute[]
  status: { code: number }
  links: { traceId: string; spanId: string }[]
}
interface ExportRequest {
  resourceSpans: { resource: { attributes: JsonAttribute[] }; scopeSpans: { spans: JsonSpan[] }[] }[]
}

type Value = string | number | string[] | undefined

/** A span as tests look at it. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: 'server' | 'client' | undefined
  startMs: number
  endMs: number
  attributes: Record<string, Value>
  isError: boolean
  links: string[]
}

export interface OtlpReceiver {
  /** Base address, for OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string
  spans(): ReceivedSpan[]
  /** What the sender says of itself, in each request. */
  resources(): Record<string, Value>[]
  /** Every body as it came. */
  bodies(): string[]
  stop(): Promise<void>
}

/** Receives traces as a collector does: OTLP 1.x as JSON over HTTP, the fields that the specification names. */
export async function startOtlp(): Promise<OtlpReceiver> {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const isTraces = request.method === 'POST' && request.url === '/v1/traces'
      if (isTraces && request.headers['content-type'] === 'application/json') bodies.push(body)
      else response.statusCode = 404
      response.setHeader('content-type', 'application/json').end('{"partialSuccess":{}}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const requests = () => bodies.flatMap((body) => (JSON.parse(body) as ExportRequest).resourceSpans)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => requests().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(read))),
    resources: () => requests().map(({ resource }) => valuesOf(resource.attributes)),
    bodies: () => [...bodies],
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const KINDS: Record<number, ReceivedSpan['kind']> = { 2: 'server', 3: 'client' }

function read({ kind, attributes, status, links, ...span }: JsonSpan): ReceivedSpan {
  const { traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano } = span
  return {
    ...{ traceId, spanId, parentSpanId, name },
    kind: KINDS[kind],
    startMs: Number(startTimeUnixNano) / 1e6,
    endMs: Number(endTimeUnixNano) / 1e6,
    attributes: valuesOf(attributes),
    isError: status.code === 2,
    links: links.map((link) => `${link.traceId}-${link.spanId}`),
  }
}

function valuesOf(attributes: JsonAttribute[]): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, arrayValue } }) => {
      const number = intValue ?? doubleValue
      const list = arrayValue?.values.map((value) => value.stringValue)
      return [key, stringValue ?? (number === undefined ? list : Number(number))]
    }),
  )
}
