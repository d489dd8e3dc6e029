import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OAuth2Server } from 'oauth2-mock-server'
import { beforeAll } from 'vitest'
import { type Environment, type RunningServer, startServer } from './program.ts'

export interface SharedServer extends RunningServer {
  /** Its data folder. */
  folder: string
}

/** One server for all tests of a file, with a data folder of its own; its members are there when the tests run. */
export function sharedServer(settings: () => Environment = () => ({})): SharedServer {
  const shared = {} as SharedServer
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purposepath-'))
    let stop = async () => {}
    const server = await startServer({ PROMPTS_DATA_DIR: folder, ...settings() }, (atEnd) => {
      stop = atEnd
    })
    Object.assign(shared, server, { folder })
    return async () => {
      await stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  })
  return shared
}

/** A signing key with its public half, as JSON Web Key. */
export type SigningKey = { kid: string; alg: string } & Record<string, unknown>

export interface SharedIssuer {
  url: string
  jwksUrl: string
  /** Its private keys, one for each algorithm. */
  keys: Record<'RS256' | 'ES256' | 'EdDSA', SigningKey>
}

/** An OAuth authorisation server for all tests of a file. */
export function sharedIssuer(): SharedIssuer {
  const shared = {} as SharedIssuer
  beforeAll(async () => {
    const server = new OAuth2Server()
    for (const alg of ['RS256', 'ES256', 'EdDSA']) await server.issuer.keys.generate(alg, { kid: alg })
    await server.start(0, '127.0.0.1')
    const url = `http://127.0.0.1:${server.address().port}`
    server.issuer.url = url
    const keys = Object.fromEntries(server.issuer.keys.toJSON(true).map((key) => [key.kid, key]))
    Object.assign(shared, { url, jwksUrl: `${url}/jwks`, keys })
    return () => server.stop()
  })
  return shared
}
