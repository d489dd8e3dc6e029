import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pages } from '../docs/pages.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { startTied, type TiedServer } from './tied-server.ts'

/** A reverse proxy, as `docs/proxies.md` configures it. */
export interface ReverseProxy {
  /** Where Debian has it, and in which package. */
  program: string
  package: string
  /** Of its blocks of code in the document. */
  language: string
  /** What stands in the document in place of where it listens, and what this is on a port of this machine. */
  listen: (port: number) => [text: string, replacement: string][]
  /** Makes all of a configuration of what the document has of it. */
  complete: (configuration: string) => string
  /** Runs it in the foreground. */
  command: (file: string) => string[]
}

const HOST = 'prompts.example.com'

const nginx: ReverseProxy = {
  program: '/usr/sbin/nginx',
  package: 'nginx-light',
  language: 'nginx',
  listen: (port) => [
    ['listen 443', `listen 127.0.0.1:${port}`],
    [HOST, 'localhost'],
  ],
  complete(configuration) {
    const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const folders = bodies.map((name) => `${name}_temp_path ${name};`).join('\n')
    const process = 'daemon off; pid nginx.pid; error_log stderr; events {}'
    return `${process}\nhttp {\naccess_log off;\n${folders}\n${configuration}\n}\n`
  },
  command: (file) => ['/usr/sbin/nginx', '-p', '.', '-e', 'stderr', '-c', file],
}

const haproxy: ReverseProxy = {
  program: '/usr/sbin/haproxy',
  package: 'haproxy',
  language: 'haproxy',
  listen: (port) => [[':443', `127.0.0.1:${port}`]],
  complete: (configuration) => configuration,
  command: (file) => ['/usr/sbin/haproxy', '-db', '-f', file],
}

const caddy: ReverseProxy = {
  program: '/usr/bin/caddy',
  package: 'caddy',
  language: 'caddyfile',
  listen: (port) => [[`${HOST} {`, `https://localhost:${port} {\n\tbind 127.0.0.1`]],
  complete: (configuration) => `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${configuration}`,
  command(file) {
    const folders = ['XDG_DATA_HOME=.', 'XDG_CONFIG_HOME=.']
    return ['env', ...folders, '/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', file]
  },
}

export const PROXIES = { nginx, HAProxy: haproxy, Caddy: caddy }

/** The settings that the document gives the program, for a proxy on this port of this machine. */
export function settingsBehindProxy(port: number) {
  const [block = ''] = blocksOf('sh')
  const settings = [...replaced(block, [[HOST, `localhost:${port}`]]).matchAll(/^export (\w+)=(.+)$/gm)]
  return Object.fromEntries(settings.map(([, name, value]) => [name, value])) as {
    PROMPTS_PUBLIC_URL: string
    PROMPTS_TRUST_PROXY: string
  }
}

export interface RunningProxy extends TiedServer {
  /** File of its certificate, which is its own authority. */
  cert: string
}

/**
 * Starts a proxy with the document's configuration. This process must accept certificates of unknown authorities
 * (`NODE_TLS_REJECT_UNAUTHORIZED`).
 *
 * @param folder for its certificate and its configuration.
 * @param upstreams addresses of the program; two where the document shows several instances.
 */
export async function startProxy(
  proxy: ReverseProxy,
  { folder, port, upstreams }: { folder: string; port: number; upstreams: readonly string[] },
): Promise<RunningProxy> {
  const { cert, key } = await makeCertificate(folder, 90)
  const both = await Promise.all([cert, key].map((file) => readFile(file, 'utf8')))
  await writeFile(join(folder, 'prompts.pem'), both.join(''))
  const [one = '', several = ''] = blocksOf(proxy.language)
  const configuration =
    upstreams.length === 1 ? one : replaced(one, [[several.split('\n')[0] as string, several]])
  const file = join(folder, proxy.language)
  const filledIn = replaced(configuration, [
    ...proxy.listen(port),
    ['/etc/ssl', folder],
    ...upstreams.map((url, index) => [`127.0.0.1:${3000 + index}`, new URL(url).host] as const),
  ])
  await writeFile(file, proxy.complete(filledIn))
  const health = `https://localhost:${port}/prompts/healthz`
  return { ...(await startTied(proxy.command(file), health, 'x-request-id')), cert }
}

function blocksOf(language: string): string[] {
  const document = pages.get('docs/proxies.md') ?? ''
  return [...document.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text as string)
}

/** @throws Error when there is nothing to replace: the document has changed. */
function replaced(text: string, replacements: readonly (readonly [text: string, by: string])[]): string {
  return replacements.reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`docs/proxies.md has no ${from}`)
    return result.replaceAll(from, to)
  }, text)
}
