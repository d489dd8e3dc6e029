import { type Agent, type IncomingHttpHeaders, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { expect, onTestFinished } from 'vitest'
import { API_ROOT } from '../../src/transport/http/rest/routes.ts'
import { type AtEnd, shared } from './at-end.ts'
import { runCommand } from './command.ts'
import { tempFolder } from './folders.ts'
import { type Environment, type RunningServer, startServer, waitFor } from './program.ts'
import { sharedServer } from './shared.ts'

/** What the tests read of an answer: of a result or of a problem document. */
export interface ApiJson {
  data?: unknown
  meta?: { revision?: number; next_cursor?: string; warnings?: { path: string; message: string }[] }
  errors?: unknown
  code?: string
  status?: number
  detail?: string
  current?: object
}

export interface ApiAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The body, if it is JSON; else empty. */
  json: ApiJson
}

export interface ApiOptions {
  /** Text and bytes are sent as they are, anything else as JSON. */
  body?: unknown
  key?: string | undefined
  token?: string | undefined
  headers?: Record<string, string>
  /** Keeps connections open; without one every request opens its own. */
  agent?: Agent
}

/**
 * One request to the REST API: `api(server, 'PUT /admin/prompts/x/system', { body, token })`. The path is below
 * `/api/v1` of the server's address, and is sent exactly as it stands here.
 */
export function api(
  { url }: { url: string },
  line: string,
  { body, key, token, headers = {}, agent }: ApiOptions = {},
): Promise<ApiAnswer> {
  const [method = '', path = ''] = splitOnce(line)
  const { protocol, hostname, port, pathname } = new URL(`${url}${API_ROOT}`)
  const request = protocol === 'https:' ? overHttps : overHttp
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  const content = body === undefined || isRaw ? (body as string | Buffer | undefined) : JSON.stringify(body)
  const sentHeaders = {
    ...(content !== undefined && { 'content-type': 'application/json' }),
    ...(content !== undefined && { 'content-length': String(Buffer.byteLength(content)) }),
    ...(key !== undefined && { 'x-api-key': key }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  }
  const address = { hostname, port, path: `${pathname}${path}`, method, headers: sentHeaders }
  return new Promise((resolve, reject) => {
    const sent = request({ ...address, agent: agent ?? false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => {
        const { statusCode = 0, headers } = answer
        resolve({ status: statusCode, headers, text, json: jsonIn(headers, text) })
      })
      answer.on('error', reject)
    })
    sent.on('error', reject).end(content)
  })
}

function splitOnce(line: string): string[] {
  const at = line.indexOf(' ')
  return [line.slice(0, at), line.slice(at + 1)]
}

function jsonIn(headers: IncomingHttpHeaders, text: string): ApiJson {
  const isJson = /^application\/(problem\+)?json/.test(headers['content-type'] ?? '')
  return isJson && text !== '' ? (JSON.parse(text) as ApiJson) : {}
}

/** Asks the API of one server with one credential. */
export type Ask = (line: string, options?: Omit<ApiOptions, 'key' | 'token'>) => Promise<ApiAnswer>

export interface ApiServer extends RunningServer {
  settings: Environment
  folder: string
  /** A token of `admin@purposepath.ai`. */
  token: string
  admin: Ask
  /** With the API key of the first start. */
  service: Ask
}

/** Limits that no test meets by accident. */
export const GENEROUS: Environment = {
  PROMPTS_LIMIT_RETRIEVAL: '1000000',
  PROMPTS_LIMIT_BATCH: '1000000',
  PROMPTS_LIMIT_ANALYSIS: '1000000',
  PROMPTS_LIMIT_ADMIN: '1000000',
  PROMPTS_LIMIT_AUTH_FAILURES: '1000000',
}

/**
 * Starts `serve` with a folder of its own, or with that of `settings`; stopped after the test, if nothing else is said.
 *
 * @param known credentials of an earlier start with the same folder.
 */
export async function startApi(
  settings: Environment = {},
  known?: { key: string; token: string },
  atEnd: AtEnd = onTestFinished,
): Promise<ApiServer> {
  const folder = settings['PROMPTS_DATA_DIR'] ?? (await tempFolder(atEnd))
  const all = { ...GENEROUS, PROMPTS_DATA_DIR: folder, ...settings }
  const server = await startServer(all, atEnd)
  const { key, token } = known ?? { key: server.key, token: await tokenOf(all) }
  return withApi({ ...server, key }, folder, all, token)
}

/** One server for all tests of a file; its members are there when the tests run. */
export function sharedApi(settings: Environment = {}): ApiServer {
  const server = sharedServer(() => ({ ...GENEROUS, ...settings }))
  return shared(async () => {
    const all = { ...GENEROUS, PROMPTS_DATA_DIR: server.folder, ...settings }
    return withApi(server, server.folder, all, await tokenOf(all))
  })
}

function withApi(server: RunningServer, folder: string, settings: Environment, token: string): ApiServer {
  const { key } = server
  return {
    ...server,
    folder,
    settings,
    token,
    admin: (line, options) => api(server, line, { ...options, token }),
    service: (line, options) => api(server, line, { ...options, key }),
  }
}

/** A token, signed with the local secret of the folder in `settings`. */
export async function tokenOf(settings: Environment, role = 'admin', subject = 'admin@purposepath.ai') {
  const { code, stdout, stderr } = await runCommand(['token', '--role', role, '--sub', subject], settings)
  if (code !== 0) throw new Error(`token ended with ${code}: ${stderr}`)
  return stdout.trim()
}

/** Expects a problem document with this code and, if given, faults of exactly these fields. */
export function expectProblem(answer: ApiAnswer, status: number, code: string, paths?: string[]): void {
  const { headers, json } = answer
  expect({
    status: answer.status,
    type: headers['content-type'],
    code: json.code,
    text: answer.text,
  }).toEqual({
    status,
    type: expect.stringMatching(/^application\/problem\+json/),
    code,
    text: expect.any(String),
  })
  expect(json).toMatchObject({
    type: `urn:purposepath-prompts:problem:${code}`,
    title: expect.any(String),
    detail: expect.any(String),
    status,
  })
  if (paths) expect(pathsOf(json)).toEqual(paths)
}

/** Names of the faulty fields in the order of the document. */
export function pathsOf({ errors = [] }: ApiJson): string[] {
  return (errors as { path: string }[]).map(({ path }) => path)
}

/** `data` of an answer that is expected to be a success. */
export function dataOf<T = Record<string, unknown>>({ status, text, json }: ApiAnswer): T {
  if (status >= 300) throw new Error(`expected a success, got ${status}: ${text}`)
  return json.data as T
}

/** A KPI topic as a caller creates it. */
export function kpiTopic(topic_id: string, more: object = {}) {
  return { topic_id, topic_name: `Topic ${topic_id}`, topic_type: 'kpi_system', category: 'kpi', ...more }
}

/** Expects that a server still answers and has met no defect of its own. */
export async function expectUnharmed({ service, stderr }: ApiServer): Promise<void> {
  const { status, headers } = await service('GET /prompts/vision')
  expect(status).toBe(200)
  // The log is written in order: after this request's line no earlier one can be missing.
  await waitFor(() => stderr().includes(String(headers['x-request-id'])))
  expect(stderr()).not.toMatch(/"level":(50|60)/)
}
