import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, invalidInput, problemOf, toAppError } from '../../domain/errors.ts'
import { elapsedMs, type Observer } from '../../domain/telemetry.ts'
import { challengeOf, publicUrlOf } from './identity/protected-resource.ts'
import { closeLingering, isLingering } from './lingering-close.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request arrived, by `performance.now()`. */
    startedAt: number
  }
}

export interface ProblemDeps {
  observe: Observer
  reportDefect: (error: unknown, requestId: string) => void
  /** See {@link Config.publicUrl}. */
  publicUrl: string | undefined
}

/** Answers every failure with a problem document (RFC 9457). */
export function registerErrorHandlers(app: FastifyInstance, deps: ProblemDeps): void {
  app.setErrorHandler((thrown, request, reply) => sendProblem(thrown, request, reply, deps))
  app.setNotFoundHandler(() => {
    throw new AppError('not_found', 'There is nothing at this address.')
  })
}

/** Answers one failure; also used for requests that never reach a route. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { reportDefect, publicUrl, observe }: ProblemDeps,
): FastifyReply {
  const { id, headers, caller } = request
  const error = fromFramework(thrown as FastifyError) ?? toAppError(thrown)
  if (error.code === 'internal' && !error.isAudited) reportDefect(thrown, id)
  if (caller && !error.isAudited) {
    observe({
      kind: 'request',
      name: 'request',
      caller: caller.subject,
      role: caller.role,
      outcome: error.code,
      durationMs: elapsedMs(request.startedAt),
      requestId: id,
    })
  }
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  const hasToken = headers.authorization !== undefined
  if (error.code === 'unauthenticated') {
    reply.header(
      'www-authenticate',
      challengeOf(publicUrlOf(request, publicUrl), hasToken ? 'invalid_token' : undefined),
    )
  } else if (error.code === 'forbidden' && hasToken && caller) {
    reply.header(
      'www-authenticate',
      challengeOf(
        publicUrlOf(request, publicUrl),
        'insufficient_scope',
        caller.role === 'user' ? 'prompts:read' : 'prompts:admin',
      ),
    )
  }
  const problem = problemOf(error)
  // A condition that the caller set has failed: HTTP has a status of its own for that.
  if (error.code === 'conflict' && headers['if-match'] !== undefined) problem.status = 412
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(problem))
}

/** Fastify's own refusals, in our codes. */
function fromFramework({ code, statusCode, message }: FastifyError): AppError | undefined {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new AppError('too_large', 'The request body is larger than 1 MiB.')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const expected = 'application/json'
    return invalidInput([{ path: 'content-type', expected, message: `expected ${expected}.` }])
  }
  return statusCode && statusCode >= 400 && statusCode < 500
    ? new AppError('invalid_input', message)
    : undefined
}

/** Answers what Node could not read as a request at all; there is no reply object for it yet. */
export function rejectMalformedRequest({ code }: NodeJS.ErrnoException, socket: Socket): void {
  // The client has disconnected.
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  // This request has had its answer; there is no second one.
  if (isLingering(socket)) {
    closeLingering(socket)
    return
  }
  const [status, error] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [
          '431 Request Header Fields Too Large',
          new AppError('too_large', 'The headers are larger than 16 KiB.'),
        ]
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', new AppError('invalid_input', 'The request took too long to arrive.')]
        : ['400 Bad Request', new AppError('invalid_input', 'This is not a valid HTTP request.')]
  const body = JSON.stringify({
    ...problemOf(error as AppError),
    status: Number.parseInt(status as string, 10),
  })
  const headers = `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}`
  socket.write(`HTTP/1.1 ${status}\r\n${headers}\r\nConnection: close\r\n\r\n${body}`)
  closeLingering(socket)
}
