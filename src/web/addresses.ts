const root = new URL(import.meta.env.DEV ? '.' : '..', import.meta.url)

/** Where the page is, which a proxy or the public address may have put a path before: `/admin/`, `/coaching/admin/`. */
export const PAGE_ROOT = root.pathname

/** Where the REST API is, beside it. */
export const API_ROOT = new URL(import.meta.env.DEV ? '/api/v1' : '../api/v1', root).pathname
