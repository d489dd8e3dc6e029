import { execFile, spawnSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'

/** A request with a body of `size` spaces. */
export interface Upload {
  url: string
  method: string
  headers: Record<string, string>
  size: number
}

/** What a client tells its program of an upload: the status of the answer, or the code of the error. */
export type Outcome = number | string

/** Sends one upload. */
export type UploadClient = (upload: Upload) => Promise<Outcome>

const CHUNK = Buffer.alloc(64 * 1024, ' ')

/** Programs of which each sends a body, and meets a refusal in the middle of it, in its own way. */
export const uploadClients: Record<string, UploadClient> = {
  'node:http, Content-Length': (upload) => overNode(upload, 'length'),
  'node:http, keep-alive': (upload) => overNode(upload, 'length', keepAlive),
  'node:http, chunked': (upload) => overNode(upload, 'chunked'),
  'node:http, Expect': (upload) => overNode(upload, 'expect'),
  'fetch, Content-Length': (upload) => overFetch(upload, (size) => Buffer.alloc(size, ' ')),
  'fetch, chunked': (upload) =>
    overFetch(upload, (size) => Readable.toWeb(Readable.from(chunksOf(size))) as ReadableStream),
  'socket, Content-Length': (upload) => overSocket(upload, 'length'),
  'socket, chunked': (upload) => overSocket(upload, 'chunked'),
  // The body follows at once, although it was announced as one that waits.
  'socket, Expect': (upload) => overSocket(upload, 'expect'),
  ...(spawnSync('curl', ['--version']).status === 0 && {
    'curl, Content-Length': (upload: Upload) => overCurl(upload, 'Expect:'),
    'curl, chunked': (upload: Upload) => overCurl(upload, 'Expect:', 'Transfer-Encoding: chunked'),
    'curl, Expect': (upload: Upload) => overCurl(upload, 'Expect: 100-continue'),
  }),
}

const keepAlive = new Agent({ keepAlive: true, maxSockets: 4 })

function* chunksOf(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, left)
}

type Framing = 'length' | 'chunked' | 'expect'

function framed({ headers, size }: Upload, framing: Framing): Record<string, string> {
  if (framing === 'chunked') return { ...headers, 'transfer-encoding': 'chunked' }
  const withLength = { ...headers, 'content-length': String(size) }
  return framing === 'length' ? withLength : { ...withLength, expect: '100-continue' }
}

/** As programs do that give up at the first error, also one of the request whose answer is already on its way. */
function overNode(upload: Upload, framing: Framing, agent?: Agent): Promise<Outcome> {
  const { url, method, size } = upload
  return new Promise((resolve) => {
    const sent = request(
      url,
      { method, headers: framed(upload, framing), agent: agent ?? false },
      (answer) => {
        answer.on('error', ({ message }) => resolve(message)).resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    if (framing === 'length') sent.end(agent ? Buffer.alloc(size, ' ') : ' '.repeat(size))
    else if (framing === 'chunked') Readable.from(chunksOf(size)).pipe(sent)
    else {
      sent.on('continue', () => sent.end(Buffer.alloc(size, ' ')))
      sent.flushHeaders()
    }
  })
}

async function overFetch(
  { url, method, headers, size }: Upload,
  bodyOf: (size: number) => Buffer | ReadableStream,
): Promise<Outcome> {
  try {
    const answer = await fetch(url, { method, headers, body: bodyOf(size), duplex: 'half' } as RequestInit)
    await answer.text()
    return answer.status
  } catch (error) {
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
    return cause?.code ?? message
  }
}

/** Writes everything and only then reads the answer, as the simplest of programs do. */
function overSocket(upload: Upload, framing: Framing): Promise<Outcome> {
  const { hostname, port, pathname } = new URL(upload.url)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname).pause()
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (?!1)(\d{3})/m.exec(text)?.[1] ?? 0)))
    const fields = { host: 'localhost', connection: 'close', ...framed(upload, framing) }
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`${upload.method} ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
    for (const chunk of chunksOf(upload.size)) {
      if (framing === 'chunked') socket.write(`${chunk.length.toString(16)}\r\n`)
      socket.write(chunk)
      if (framing === 'chunked') socket.write('\r\n')
    }
    socket.write(framing === 'chunked' ? '0\r\n\r\n' : '', () => socket.resume())
  })
}

function overCurl({ url, method, headers, size }: Upload, ...more: string[]): Promise<Outcome> {
  const lines = [...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ...more]
  const words = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-X', method, '--data-binary', '@-', url]
  return new Promise((resolve) => {
    const child = execFile('curl', [...words, ...lines.flatMap((line) => ['-H', line])], (error, stdout) =>
      resolve(error ? `exit code ${error.code}` : Number(stdout)),
    )
    // A curl that has its answer no longer reads what it should send.
    child.stdin?.on('error', () => {})
    child.stdin?.end(Buffer.alloc(size, ' '))
  })
}
