/** Where the page is, which a proxy or the public address may have put a path before: `/admin/`, `/coaching/admin/`. */
export const PAGE_ROOT = new URL(import.meta.env.DEV ? '.' : '..', import.meta.url).pathname

/** Path of the REST API beside it, as in `paths` of the OpenAPI document without their root. */
export const API_ROOT = import.meta.env.DEV ? '/api/v1' : new URL('../../api/v1', import.meta.url).pathname
