import { Client as ModernSdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as V1StdioTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as V1HttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { onTestFinished } from 'vitest'
import type { AtEnd } from './at-end.ts'
import { type Environment, environmentOf, PROGRAM } from './program.ts'

const INFO = { name: 'test', version: '1.0.0' }

/** Today's SDK speaking the 2026-07-28 revision, or a 2025-era one with an `initialize` handshake. */
export type Era = '2026-07-28' | 'legacy'

function sdkClient(era: Era): ModernSdkClient {
  return new ModernSdkClient(INFO, {
    versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: era } },
  })
}

/** Where a client connects to: a server over HTTP, or a program of its own over stdio. */
export type Target = { url: string; key: string } | { settings: Environment; words?: string[] }

/** Connects the SDK's current client. */
export async function connect(
  target: Target,
  era: Era,
  atEnd: AtEnd = onTestFinished,
): Promise<ModernSdkClient> {
  const client = sdkClient(era)
  await client.connect('url' in target ? httpTransport(target) : new StdioClientTransport(commandOf(target)))
  atEnd(() => client.close())
  return client
}

/** Connects the 1.x SDK, which most clients of 2025 are built on. */
export async function connectV1(target: Target, atEnd: AtEnd = onTestFinished): Promise<V1Client> {
  const client = new V1Client(INFO)
  await client.connect(
    'url' in target
      ? // Its own types disagree about optional members.
        (new V1HttpTransport(new URL(`${target.url}/mcp`), requestInit(target)) as Parameters<
          V1Client['connect']
        >[0])
      : new V1StdioTransport(commandOf(target)),
  )
  atEnd(() => client.close())
  return client
}

function httpTransport(target: { url: string; key: string }): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(`${target.url}/mcp`), requestInit(target))
}

function requestInit({ key }: { key: string }) {
  return { requestInit: { headers: { 'X-Api-Key': key } } }
}

function commandOf({ settings, words = [] }: { settings: Environment; words?: string[] }) {
  const env = environmentOf(settings)
  return { command: process.execPath, args: [PROGRAM, 'stdio', ...words], env, stderr: 'pipe' as const }
}
