import { createHmac, createPrivateKey, type JsonWebKey, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { postMcp, type RawAnswer, rpcIn } from './raw.ts'
import type { SigningKey } from './shared.ts'

/** Signs any claims under any header: by hand, because libraries refuse to make what must be refused. */
export type Mint = (claims: object, header?: object) => string

/** Signs with the local secret of a data folder, which is made if there is none. */
export async function localMint(folder: string): Promise<Mint> {
  await runCommand(['token'], { PROMPTS_DATA_DIR: folder })
  return mintWithSecret((await readFile(join(folder, '.purposepath/jwt-secret-dev'), 'utf8')).trim())
}

/** HS256 with `secret`. */
export function mintWithSecret(secret: string): Mint {
  return mintWith({ alg: 'HS256' }, (text) => createHmac('sha256', secret).update(text).digest())
}

/** Signs with a key of an issuer. */
export function mintWithKey({ alg, kid, ...jwk }: SigningKey): Mint {
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
  return mintWith({ alg, kid }, (text) =>
    sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  )
}

function mintWith(standard: object, signature: (text: string) => Buffer): Mint {
  return (claims, header = {}) => {
    const text = `${encoded({ ...standard, ...header })}.${encoded(claims)}`
    return `${text}.${signature(text).toString('base64url')}`
  }
}

/** Seconds since 1970, `offset` seconds from now. */
export function secondsFromNow(offset: number): number {
  return Math.floor(Date.now() / 1000) + offset
}

/** A part of a token. */
export function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** A token with another member in its claims and the signature that it had. */
export function tampered(token: string, change: object): string {
  const [header, claims = '', signature] = token.split('.')
  const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object
  return [header, encoded({ ...read, ...change }), signature].join('.')
}

const LIST_TOOLS = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

/** Lists the tools with these headers: what every caller of role service may do. */
export function listTools(url: string, headers: Record<string, string>): Promise<RawAnswer> {
  return postMcp({ url }, LIST_TOOLS, headers)
}

/** Lists the tools with a bearer token. */
export function listToolsWith(url: string, token: string): Promise<RawAnswer> {
  return listTools(url, { authorization: `Bearer ${token}` })
}

/** Names of the listed tools. */
export function toolsIn(answer: RawAnswer): string[] {
  const { tools } = (rpcIn(answer)[0]?.result ?? { tools: [] }) as { tools: { name: string }[] }
  return tools.map(({ name }) => name)
}
