import helmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { entityTag, isFresh } from '../rest/conditions.ts'

const SELF = "'self'"
const NONE = "'none'"

/** Nothing from elsewhere, nothing inline: the page and its assets come from this server. */
const CONTENT_SECURITY_POLICY = {
  'default-src': [SELF],
  // Swagger UI's icons are in its style sheet.
  'img-src': [SELF, 'data:'],
  'object-src': [NONE],
  'base-uri': [NONE],
  'form-action': [NONE],
  'frame-ancestors': [NONE],
}

export interface DocsOptions {
  /** Makes the OpenAPI document; called once, for the first request. */
  document: () => object
  /** Folder of the page and its assets, `dist/docs` in the package. */
  root: string
}

/** `/openapi.json`, and `/docs`: the same for people, where they can try it out (spec §8). No credentials needed. */
export function registerDocs(app: FastifyInstance, { document, root }: DocsOptions): void {
  app.register(async (scope) => {
    // In this scope alone: it doubles the cost of a request, and the API's answers are not pages.
    await scope.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
      frameguard: { action: 'deny' },
      // Plain http on the own machine is the usual case, and whoever serves https has a proxy that can say this.
      strictTransportSecurity: false,
    })
    await scope.register(fastifyStatic, { root, prefix: '/docs/', dotfiles: 'ignore' })

    scope.get('/docs', (request, reply) => {
      const [path = ''] = request.url.split('?')
      // The page's links are relative, so its address must end with a slash. So is this one: a proxy, or the public
      // address, may put a path before it.
      return path.endsWith('/') ? reply.sendFile('index.html') : reply.redirect('docs/')
    })

    let known: { text: string; tag: string } | undefined
    scope.get('/openapi.json', ({ headers }, reply) => {
      known ??= withTag(JSON.stringify(document()))
      reply.header('etag', known.tag).header('cache-control', 'no-cache')
      if (isFresh(headers['if-none-match'], known.tag)) return reply.code(304).send()
      return reply.type('application/json; charset=utf-8').send(known.text)
    })
  })
}

function withTag(text: string): { text: string; tag: string } {
  return { text, tag: entityTag(text) }
}
