import { OAuth2Server } from 'oauth2-mock-server'
import { shared } from './at-end.ts'
import { tempFolder } from './folders.ts'
import { type Environment, type RunningServer, startServer } from './program.ts'

export interface SharedServer extends RunningServer {
  /** Its data folder. */
  folder: string
}

/** One server for all tests of a file, with a data folder of its own; its members are there when the tests run. */
export function sharedServer(settings: () => Environment = () => ({})): SharedServer {
  return shared(async (atEnd) => {
    const folder = await tempFolder(atEnd)
    return { ...(await startServer({ PROMPTS_DATA_DIR: folder, ...settings() }, atEnd)), folder }
  })
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
  return shared(async (atEnd) => {
    const server = new OAuth2Server()
    for (const alg of ['RS256', 'ES256', 'EdDSA']) await server.issuer.keys.generate(alg, { kid: alg })
    await server.start(0, '127.0.0.1')
    atEnd(() => server.stop())
    const url = `http://127.0.0.1:${server.address().port}`
    server.issuer.url = url
    const keys = Object.fromEntries(
      server.issuer.keys.toJSON(true).map((key) => [key.kid, key]),
    ) as SharedIssuer['keys']
    return { url, jwksUrl: `${url}/jwks`, keys }
  })
}
