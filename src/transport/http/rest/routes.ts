import { operations } from '../../../operations/table.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { pathFields } from '../../../pipeline/operation.ts'

/** Everything that is REST is below this path. */
export const API_ROOT = '/api/v1'

/** A REST route of an operation. */
export interface RestRoute {
  /** The operation's name, or `{name}.admin` for its second route: unique, the OpenAPI operationId. */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below {@link API_ROOT}, with `{names}` of input fields. */
  path: string
  /** The operation with this route's role, limit and cache policy. */
  operation: Operation
  /** Input fields that stand in the path. */
  pathNames: readonly string[]
  /** Where the other input fields come from. */
  source: 'query' | 'body'
}

/** All REST routes, in the order of the table. */
export const restRoutes: readonly RestRoute[] = operations.flatMap((operation) => {
  const { name, http, adminRoute } = operation
  return [
    ...(http === undefined ? [] : [routeOf(name, http, operation)]),
    ...(adminRoute ? [routeOf(`${name}.admin`, adminRoute.http, { ...operation, ...adminRoute })] : []),
  ]
})

function routeOf(id: string, http: string, operation: Operation): RestRoute {
  const [method, path] = http.split(' ') as [RestRoute['method'], string]
  return { id, method, path, operation, ...fieldLocations({ method, path }) }
}

/** Where the fields of a route's input stand. */
export function fieldLocations({
  method,
  path,
}: Pick<RestRoute, 'method' | 'path'>): Pick<RestRoute, 'pathNames' | 'source'> {
  const source = method === 'GET' || method === 'DELETE' ? 'query' : 'body'
  return { pathNames: pathFields({ http: path }), source }
}

/** A path as the router writes it: `:name` for `{name}`. */
export function routerPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}
