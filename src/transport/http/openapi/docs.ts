import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { publicUrlOf } from '../identity/protected-resource.ts'
import { registerPageHeaders } from '../page-headers.ts'
import { entityTag, isFresh } from '../rest/response.ts'
import { openApiDocument } from './document.ts'
import type { ApiPath } from './paths.ts'

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

/** Host names that a server answers to are few, and each has a document of its own. */
const MAX_DOCUMENTS = 10

export interface DocsOptions {
  /** See {@link Config.publicUrl}. */
  publicUrl: string | undefined
  /** Routes beside those of the table. */
  extraPaths: readonly ApiPath[]
  /** Folder of the page and its assets, `dist/docs` in the package. */
  root: string
}

/** `/openapi.json`, and `/docs`: the same for people, where they can try it out. No credentials needed. */
export function registerDocs(app: FastifyInstance, { publicUrl, extraPaths, root }: DocsOptions): void {
  app.register(async (scope) => {
    await registerPageHeaders(scope, CONTENT_SECURITY_POLICY)
    await scope.register(fastifyStatic, { root, prefix: '/docs/', dotfiles: 'ignore' })

    scope.get('/docs', (request, reply) => {
      const [path = ''] = request.url.split('?')
      // The page's links are relative, so its address must end with a slash. So is this one: a proxy, or the public
      // address, may put a path before it.
      return path.endsWith('/') ? reply.sendFile('index.html') : reply.redirect('docs/')
    })

    const documents = new LRUCache<string, { json: string; tag: string }>({ max: MAX_DOCUMENTS })
    scope.get('/openapi.json', (request, reply) => {
      const url = publicUrlOf(request, publicUrl)
      const document = documents.get(url) ?? tagged(JSON.stringify(openApiDocument(url, extraPaths)))
      documents.set(url, document)
      reply.header('etag', document.tag).header('cache-control', 'no-cache')
      if (isFresh(request.headers['if-none-match'], document.tag)) return reply.code(304).send()
      return reply.type('application/json; charset=utf-8').send(document.json)
    })
  })
}

function tagged(json: string): { json: string; tag: string } {
  return { json, tag: entityTag(json) }
}
