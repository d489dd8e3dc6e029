import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { SigningKey } from './shared.ts'

/** A source of keys that does as a test says; gone after the test. */
export interface KeySource {
  url: string
  /** What it publishes, and how it answers. */
  state: { keys: object[]; status: number; delayMs: number; body?: string; redirectTo?: string }
  /** How often it was asked. */
  visits: () => number
}

/** Publishes the public halves of `keys`. */
export async function startKeySource(...keys: SigningKey[]): Promise<KeySource> {
  const state: KeySource['state'] = { keys: keys.map(publicHalf), status: 200, delayMs: 0 }
  let visits = 0
  const server = createServer((_, answer) => {
    visits++
    const { status, delayMs, redirectTo, body = JSON.stringify({ keys: state.keys }) } = state
    setTimeout(() => {
      answer.writeHead(status, redirectTo === undefined ? {} : { location: redirectTo }).end(body)
    }, delayMs)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    state,
    visits: () => visits,
  }
}

/** A new ES256 key; without a `kid` when that is empty. */
export function newKey(kid: string): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', ...(kid !== '' && { kid }) } as SigningKey
}

/** What an issuer publishes of a key. */
export function publicHalf({ d: _, ...half }: SigningKey): object {
  return half
}
