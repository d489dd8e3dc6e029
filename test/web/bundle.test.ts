import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import openapiTypes from 'openapi-typescript'
import { expect, it } from 'vitest'
import { legacyTemplatePaths } from '../../src/transport/http/legacy-templates/openapi.ts'
import { openApiDocument } from '../../src/transport/http/openapi/document.ts'
import { PACKAGE_ROOT } from '../helpers/program.ts'

const MAX_FIRST_LOAD_BYTES = 80 * 1024

it('the page is there with at most 80 KB, compressed', () => {
  const root = join(PACKAGE_ROOT, 'dist', 'web')
  const html = readFileSync(join(root, 'index.html'), 'utf8')
  const assets = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path as string)
  const bytes = assets.map((path) => gzipSync(readFileSync(join(root, path))).length)
  const first = gzipSync(html).length + bytes.reduce((sum, size) => sum + size, 0)
  expect(assets.map((path) => path.split('.').at(-1))).toEqual(expect.arrayContaining(['js', 'css']))
  expect(first).toBeLessThan(MAX_FIRST_LOAD_BYTES)
})

// The page is the first client of the OpenAPI document: `npx vitest run test/web/bundle.test.ts -u` follows it.
it('the types of the REST client are those of the OpenAPI document', async () => {
  const document = openApiDocument('https://prompts.example', legacyTemplatePaths)
  const types = await openapiTypes(structuredClone(document) as never)
  await expect(types).toMatchFileSnapshot('../../src/web/rest/openapi.d.ts')
})
