import type { FastifyInstance } from 'fastify'
import { type ErrorCode, problemOf, toAppError } from '../../../domain/errors.ts'
import { asksForPage } from '../accept.ts'

/** Failures that say something to a person who wants to sign in. */
const TOLD: ErrorCode[] = ['unauthenticated', 'forbidden', 'rate_limited', 'unavailable']

/**
 * Shows people why a sign-in failed, in a page of its own; programs get the problem document.
 *
 * @param signIn where a sign-in begins.
 */
export function noticeForBrowsers(scope: FastifyInstance, signIn: string): void {
  scope.setErrorHandler((thrown, request, reply) => {
    const error = toAppError(thrown)
    if (!TOLD.includes(error.code) || !asksForPage(request.headers.accept)) throw thrown
    const { status, title } = problemOf(error)
    return reply
      .code(status)
      .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
      .header('x-content-type-options', 'nosniff')
      .type('text/html; charset=utf-8')
      .send(page(title, error.message, signIn))
  })
}

function page(title: string, sentence: string, signIn: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Sign in: ${escaped(title)}</title>
  </head>
  <body>
    <h1>${escaped(title)}</h1>
    <p>${escaped(sentence)}</p>
    <p><a href="${escaped(signIn)}">Sign in</a></p>
  </body>
</html>
`
}

/** A sentence may hold the name of a person, which may be anything. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
