import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { isAbsolute, join, sep } from 'node:path'
import * as z from 'zod'
import { isLoopback } from './util/address.ts'

// Kinds of settings: what the text of an environment variable may be, and what it becomes.

/** Digits only: `Number` would also take blanks, `1e3` and `0x10`. */
export const integer = (least: number, most: number, standard: number) =>
  z
    .string()
    .refine((text) => /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: 'is out of range',
      params: { expected: `a whole number from ${least} to ${most}` },
    })
    .transform(Number)
    .default(standard)
const MOST = 1_000_000_000
export const perMinute = (calls: number) => integer(1, MOST, calls)
export const milliseconds = (least: number, standard: number) => integer(least, MOST, standard)
export const trueOrFalse = z.enum(['true', 'false']).transform((text) => text === 'true')

/** A share from 0 to 1. */
export const ratio = z
  .string()
  .refine((text) => /^(0(\.\d+)?|1(\.0+)?)$/.test(text), {
    error: 'is no such share',
    params: { expected: 'a number from 0 to 1, for example 0.05' },
  })
  .transform(Number)
export const names = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(z.array(z.string().min(1)))
  .optional()

/** A name of a host. */
const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i
/** An address to bind to. */
export const host = z.string().refine((host) => isIP(host) !== 0 || NAME.test(host), {
  error: 'is no address',
  params: { expected: 'an IP address without brackets, or a host name' },
})

/** `host:port`, as a platform names the address that a server has to listen on. */
export const endpoint = z
  .string()
  .refine((text) => endpointOf(text) !== undefined, {
    error: 'is no endpoint',
    params: { expected: 'host:port' },
  })
  .transform((text) => endpointOf(text) as Endpoint)

export const hostName = z.string().refine(isHostName, {
  error: 'is no host name',
  params: { expected: 'host names without scheme and port, comma-separated' },
})
/** Origins of any scheme: extensions and web views have one of their own, such as `chrome-extension://…`. */
export const hostOrOrigin = z.string().refine((text) => isHostName(text) || isOrigin(text), {
  error: 'is no origin',
  params: {
    expected: 'host names or origins like https://app.example.com, comma-separated, without wildcards',
  },
})
export const listOf = (item: z.ZodString) => names.pipe(z.array(item).optional())

/** A URL without a trailing slash, a query or a fragment. */
export const publicUrl = z
  .string()
  .refine((text) => /^https?:$/.test(urlOf(text)?.protocol ?? '') && !/[?#@]/.test(text), {
    error: 'is no such address',
    params: { expected: 'an http or https address without query, fragment and credentials' },
  })
  .transform((text) => text.replace(/\/+$/, ''))
/** Where a credential is sent: nobody may read it on the way. */
export const serverUrl = publicUrl.refine(isSafeUrl, {
  error: 'is not safe',
  params: { expected: 'an https address without query and fragment; http only on this machine' },
})
export const jwksUrl = z.string().refine(isSafeUrl, {
  error: 'is not safe',
  params: { expected: 'an https address; http only on this machine' },
})
/** A number of proxies, or their addresses and networks. */
export const trustedProxies = z
  .string()
  .refine((text) => /^\d{1,2}$/.test(text) || text.split(',').every((one) => isAddressRange(one.trim())), {
    error: 'is no list of proxies',
    params: { expected: 'a number of proxies, or their addresses (10.0.0.1, 10.0.0.0/8), comma-separated' },
  })
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : text.split(',').map((one) => one.trim())))

/** A path on this machine. Many clients start servers without a shell, which alone would replace a variable or a user's name. */
export const path = z
  .string()
  .refine((text) => !/\$\{\w+\}|%\w+%|^\$\w+|^~[^/\\]/.test(text), {
    error: 'holds a variable',
    params: { expected: 'a path, which may begin with ~/; variables like $HOME are not replaced here' },
  })
  .transform(fromHome)

/** A name of a table, a bucket or a secret, or the ARN of a secret. */
export const resourceName = z.string().refine((name) => /^[\w./:@+=-]{3,512}$/.test(name), {
  error: 'is no such name',
  params: { expected: 'the name of an AWS resource' },
})

interface Endpoint {
  host: string
  port: number
}

function endpointOf(text: string): Endpoint | undefined {
  const [, name = '', digits] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  const bare = name.replace(/^\[|\]$/g, '')
  const port = Number(digits)
  return host.safeParse(bare).success && port <= 65_535 ? { host: bare, port } : undefined
}

/** Whether nobody on the way can change what is at an address. */
export function isSafeUrl(text: string): boolean {
  const url = urlOf(text)
  if (url?.protocol !== 'http:') return url?.protocol === 'https:'
  return isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
}

function isHostName(text: string): boolean {
  return NAME.test(text) || /^\[[0-9a-f:.]+\]$/i.test(text)
}

function isOrigin(text: string): boolean {
  const { protocol, origin, host } = urlOf(text) ?? {}
  // Of other schemes than the web's `URL` knows no origin.
  return !text.includes('*') && (origin === text || (origin === 'null' && text === `${protocol}//${host}`))
}

/** A path with the home folder in place of `~`. */
function fromHome(path: string): string {
  return path === '~' || path.startsWith('~/') || path.startsWith(`~${sep}`)
    ? join(homedir(), path.slice(1))
    : path
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

function isAddressRange(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128)
}

/** The user's data folder: XDG on Linux, its equivalents elsewhere. */
export function defaultDataDir({
  XDG_DATA_HOME,
  LOCALAPPDATA,
}: {
  XDG_DATA_HOME?: string | undefined
  LOCALAPPDATA?: string | undefined
}): string {
  const name = 'purposepath-prompts'
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', name)
  if (process.platform === 'win32') return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), name)
  // XDG Base Directory Specification: a relative path is to be ignored.
  const base = XDG_DATA_HOME && isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(homedir(), '.local', 'share')
  return join(base, name)
}
