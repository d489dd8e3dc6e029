import type { FastifyError, FastifyInstance } from 'fastify'
import { AppError, problemOf, toAppError } from '../../domain/errors.ts'

/** Answers every failure with a problem document (RFC 9457). */
export function answerProblems(
  app: FastifyInstance,
  reportDefect: (error: unknown, requestId: string) => void,
): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromFramework(thrown as FastifyError) ?? toAppError(thrown)
    if (error.code === 'internal') reportDefect(thrown, request.id)
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
    if (error.code === 'unauthenticated')
      reply.header('www-authenticate', 'ApiKey realm="purposepath-prompts"')
    const problem = problemOf(error)
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  })
  app.setNotFoundHandler(() => {
    throw new AppError('not_found', 'There is nothing at this address.')
  })
}

/** Fastify's own refusals, in our codes. */
function fromFramework({ code, statusCode, message }: FastifyError): AppError | undefined {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new AppError('too_large', 'The request body is larger than 1 MiB.')
  return statusCode && statusCode >= 400 && statusCode < 500
    ? new AppError('invalid_input', message)
    : undefined
}
