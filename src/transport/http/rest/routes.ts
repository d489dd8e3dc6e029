import { operations } from '../../../operations/table.ts'
import { type Operation, pathFields } from '../../../pipeline/operation.ts'

/** Everything that is REST is below this path. */
export const API_ROOT = '/api/v1'

/** A REST route of an operation. */
export interface RestRoute {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below {@link API_ROOT}, with `{names}` of input fields. */
  path: string
  /** The operation with the role that this route asks for. */
  operation: Operation
  /** Input fields that stand in the path. */
  pathNames: readonly string[]
  /** Where the other input fields come from. */
  source: 'query' | 'body'
  /** True for addresses of administrators: answers are never kept, and their ETag is the revision. */
  forAdmins: boolean
}

/** All REST routes, in the order of the table. */
export const restRoutes: readonly RestRoute[] = operations.flatMap((operation) => {
  const { http, adminHttp } = operation
  return [
    ...(http === undefined ? [] : [routeOf(http, operation)]),
    ...(adminHttp === undefined ? [] : [routeOf(adminHttp, { ...operation, role: 'admin' })]),
  ]
})

function routeOf(http: string, operation: Operation): RestRoute {
  const [method, path] = http.split(' ') as [RestRoute['method'], string]
  return { method, path, operation, ...placesOf({ method, path }), forAdmins: operation.role === 'admin' }
}

/** Where the fields of an address's input stand. */
export function placesOf({
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
