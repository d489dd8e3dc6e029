import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { AppError } from '../../../domain/errors.ts'
import { registerPageHeaders } from '../page-headers.ts'

/** Where the page is, and where browsers go after they signed in. */
export const ADMIN_PAGE = '/admin/'

/** What the build writes in place of the nonce (`html.cspNonce`). */
const NONCE_PLACEHOLDER = 'CSP_NONCE'
/** What the page says in place of how people sign in here. */
const SIGN_IN_PLACEHOLDER = 'SIGN_IN_BY'
/** The beginning of each link to an asset, as the build writes it (`base: './'`). */
const ASSET_LINK = /(?<==")\.\/(?=assets\/)/g

const NONE = ["'none'"]
/** For what is no page: nothing may run, whatever it is taken for. */
const NO_CONTENT = { 'default-src': NONE, 'frame-ancestors': NONE }

export interface AdminPageOptions {
  /** Folder of the built page, `dist/web` in the package: `index.html`, and `assets/` whose names change with what is in them. */
  root: string
  /** How people sign in: by a link of the command `login`, or also at an issuer, where `/admin/sign-in` leads. */
  signInBy: 'link' | 'issuer'
}

/**
 * The admin page. Every address below `/admin/` is a place in the page, which finds out itself which, so that each can be
 * bookmarked. No credentials needed: there is nothing in it but code.
 */
export function registerAdminPage(app: FastifyInstance, { root, signInBy }: AdminPageOptions): void {
  app.register(async (scope) => {
    await registerPageHeaders(scope, NO_CONTENT)
    await scope.register(fastifyStatic, {
      root: join(root, 'assets'),
      prefix: `${ADMIN_PAGE}assets/`,
      preCompressed: true,
      index: false,
      dotfiles: 'ignore',
      immutable: true,
      maxAge: '365d',
    })

    // Relative, because a proxy, or the public address, may put a path before it.
    scope.get('/admin', (request, reply) =>
      pathOf(request.url).endsWith('/') ? sendPage(request.url, reply) : reply.redirect('admin/'),
    )
    scope.get(`${ADMIN_PAGE}*`, (request, reply) => sendPage(request.url, reply))
  })

  async function sendPage(url: string, reply: FastifyReply): Promise<FastifyReply> {
    const nonce = randomBytes(16).toString('base64')
    const html = (await readPage())
      .replaceAll(NONCE_PLACEHOLDER, nonce)
      .replace(SIGN_IN_PLACEHOLDER, signInBy)
      .replace(ASSET_LINK, upFrom(url))
    return reply
      .header('content-security-policy', policyWith(nonce))
      .header('cache-control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(html)
  }

  /** Read each time: it is small, seldom asked for, and always fits the assets beside it. */
  async function readPage(): Promise<string> {
    try {
      return await readFile(join(root, 'index.html'), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      const message = 'The admin page is not built here: npm run build'
      throw new AppError('unavailable', message, { cause: error })
    }
  }
}

/** Everything comes from this server; styles that scripts add carry the nonce of their page. */
function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

/** The way from an address of the page to {@link ADMIN_PAGE}: `./`, or `../` for each level below. */
function upFrom(url: string): string {
  const levels = pathOf(url).slice(ADMIN_PAGE.length).split('/').length - 1
  return levels === 0 ? './' : '../'.repeat(levels)
}

function pathOf(url: string): string {
  return url.split('?')[0] as string
}
