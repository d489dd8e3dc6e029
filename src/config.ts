import { resolve } from 'node:path'
import { AppError } from './domain/errors.ts'
import type { IssuerClient } from './domain/sign-in.ts'
import type { TokenSettings } from './domain/tokens.ts'
import { check } from './domain/validation.ts'
import { defaultDataDir, isSafeUrl } from './setting-kinds.ts'
import { Settings } from './settings.ts'
import { isLoopback } from './util/address.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Names of the AWS resources; by default they follow from the stage. */
interface AwsNames {
  table: string
  bucket: string
  apiKeySecret: string
  jwtSecret: string
  limitsTable: string
  conversationsTable: string
}

/** How language models are reached. */
type LlmSettings = {
  /** Time for everything that one analysis, or one turn of a conversation, does with models. */
  timeoutMs: number
} & (
  | { provider: 'none' }
  | {
      provider: 'bedrock'
      /** For topics that name none. */
      model: string | undefined
    }
  | {
      provider: 'openai'
      /** Replaces every topic's model. */
      model: string | undefined
      /** Where the server answers, for example `http://127.0.0.1:11434/v1`. */
      baseUrl: string
      apiKey: string | undefined
    }
)

/** The settings as the program uses them. */
export interface Config {
  store: Settings['PROMPTS_STORE']
  aws: AwsNames & {
    /** Where a copy of the prompts is kept from which an instance starts in an outage; `undefined`: nowhere. */
    snapshotFile: string | undefined
    /** A secret with settings that are secrets; `undefined`: they are in the environment. */
    settingsSecret: string | undefined
    /** For S3-compatible servers that know no host name for each bucket. */
    forcePathStyle: boolean
  }
  dataDir: string
  stage: string
  host: string
  /** 0: any free port. */
  port: number
  /** Time that a shutdown has: for running calls, and for all of it. */
  shutdown: { graceMs: number; mostMs: number }
  /** Names that `Host` may carry; `undefined`: loopback names. */
  allowedHosts: string[] | undefined
  /** Host names of origins that may call from a browser; `undefined`: loopback names. */
  allowedOrigins: string[] | undefined
  /** Calls per minute and caller. */
  limits: Record<'retrieval' | 'batch' | 'analysis' | 'admin' | 'auth_failures', number>
  /** Where clients reach this server, without a trailing slash; `undefined`: at the address that it listens on. */
  publicUrl: string | undefined
  /** How many proxies stand before this server, or their addresses; `undefined`: none is believed. */
  trustProxy: number | string[] | undefined
  tokens: TokenSettings
  /** How administrators sign in at the issuer of tokens; `undefined`: by link only. */
  issuerClient: (IssuerClient & { clientSecret: string | undefined }) | undefined
  llm: LlmSettings
  /** Topic types that administrators may create; others are seeded or imported. */
  creatableTypes: string[]
  freshnessMs: number
  /** How soon changes past this program are noticed on aws. */
  reconcileMs: number
  staleIfErrorMs: number
  /** What commands that call other servers show them. */
  credentials: {
    /** A token or an API key of another server of this program. */
    token: string | undefined
    langfusePublicKey: string | undefined
    langfuseSecretKey: string | undefined
  }
  /** Whether metrics are written to the log, in CloudWatch's embedded metric format. */
  emf: boolean
  /** Where traces go, and the share of ordinary calls that have one; without an endpoint there are none. */
  traces: { endpoint: string | undefined; ratio: number }
  /** `undefined`: `info` for servers, `warn` for commands that a person waits for. */
  logLevel: Settings['PROMPTS_LOG_LEVEL']
}

/**
 * Reads and validates all settings.
 *
 * @param environment for example `process.env`, which only the entry points of the program read.
 * @param overrides what the command line says; it wins over the environment.
 * @throws AppError `invalid_input` in one line that says which setting is wrong and why.
 */
export function loadConfig(environment: Environment, overrides: Environment = {}): Config {
  const given = Object.fromEntries(
    Object.entries({ ...environment, ...overrides }).filter(([, value]) => value !== ''),
  )
  const { data: settings, errors: faults } = check(Settings, given)
  if (faults) {
    const sentence = faults.map((fault) => `${fault.path} is wrong: expected ${fault.expected}.`).join(' ')
    throw new AppError('invalid_input', sentence, { errors: faults })
  }
  const isNamed = settings.PROMPTS_ALLOWED_HOSTS ?? settings.PROMPTS_PUBLIC_URL
  // AWS Lambda probes its Web Functions at the address that it tells them, and no other.
  const { AWS_LAMBDA_HTTP_ENDPOINT, PROMPTS_HOST, PROMPTS_PORT } = settings
  const { host, port } = AWS_LAMBDA_HTTP_ENDPOINT ?? { host: PROMPTS_HOST, port: PROMPTS_PORT }
  if (!isLoopback(host) && isNamed === undefined) {
    const cause = AWS_LAMBDA_HTTP_ENDPOINT ? 'it listens on' : 'PROMPTS_HOST is'
    const message = `PROMPTS_ALLOWED_HOSTS is missing: expected the host names of this server, because ${cause} ${host}.`
    throw new AppError('invalid_input', message)
  }
  const tokens = tokenSettings(settings)
  return {
    store: settings.PROMPTS_STORE,
    aws: {
      ...awsNames(settings),
      snapshotFile: settings.PROMPTS_SNAPSHOT_FILE && resolve(settings.PROMPTS_SNAPSHOT_FILE),
      settingsSecret: settings.PROMPTS_SETTINGS_SECRET,
      forcePathStyle: settings.PROMPTS_S3_FORCE_PATH_STYLE,
    },
    dataDir: resolve(settings.PROMPTS_DATA_DIR ?? defaultDataDir(settings)),
    stage: settings.STAGE,
    host,
    port,
    shutdown: AWS_LAMBDA_HTTP_ENDPOINT ? LAMBDA_SHUTDOWN : SHUTDOWN,
    allowedHosts: settings.PROMPTS_ALLOWED_HOSTS,
    allowedOrigins: settings.PROMPTS_ALLOWED_ORIGINS,
    limits: {
      retrieval: settings.PROMPTS_LIMIT_RETRIEVAL,
      batch: settings.PROMPTS_LIMIT_BATCH,
      analysis: settings.PROMPTS_LIMIT_ANALYSIS,
      admin: settings.PROMPTS_LIMIT_ADMIN,
      auth_failures: settings.PROMPTS_LIMIT_AUTH_FAILURES,
    },
    publicUrl: settings.PROMPTS_PUBLIC_URL,
    trustProxy: settings.PROMPTS_TRUST_PROXY,
    tokens,
    issuerClient: issuerClient(settings),
    llm: llmSettings(settings),
    creatableTypes: settings.PROMPTS_CREATABLE_TYPES ?? ['kpi_system'],
    freshnessMs: settings.PROMPTS_FRESHNESS_MS,
    reconcileMs: settings.PROMPTS_RECONCILE_MS,
    staleIfErrorMs: settings.PROMPTS_STALE_IF_ERROR_MS,
    credentials: {
      token: settings.PROMPTS_TOKEN,
      langfusePublicKey: settings.LANGFUSE_PUBLIC_KEY,
      langfuseSecretKey: settings.LANGFUSE_SECRET_KEY,
    },
    emf: settings.PROMPTS_EMF,
    traces: { endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT, ratio: settings.OTEL_TRACES_SAMPLER_ARG },
    logLevel: settings.PROMPTS_LOG_LEVEL,
  }
}

/** AWS Lambda kills what has not ended a second after its `SIGTERM`. */
const LAMBDA_SHUTDOWN = { graceMs: 250, mostMs: 950 }
const SHUTDOWN = { graceMs: 3_000, mostMs: 5_000 }

function awsNames(settings: Settings): AwsNames {
  const { STAGE: stage } = settings
  return {
    table: settings.PROMPTS_TABLE ?? `purposepath-llm-prompts-${stage}`,
    bucket: settings.PROMPTS_BUCKET ?? `purposepath-templates-${stage}`,
    apiKeySecret: settings.PROMPTS_API_KEY_SECRET ?? `purposepath-backend-api-token-${stage}`,
    jwtSecret: settings.PROMPTS_JWT_SECRET_NAME ?? `purposepath-jwt-secret-${stage}`,
    limitsTable: settings.PROMPTS_LIMITS_TABLE ?? `purposepath-limits-${stage}`,
    conversationsTable: settings.PROMPTS_CONVERSATIONS_TABLE ?? `purposepath-conversations-${stage}`,
  }
}

/** @throws AppError `invalid_input` when the provider's address is missing. */
function llmSettings(settings: Settings): LlmSettings {
  const provider = settings.PROMPTS_LLM ?? (settings.PROMPTS_STORE === 'aws' ? 'bedrock' : 'none')
  const timeoutMs = settings.PROMPTS_LLM_TIMEOUT_MS
  const model = settings.PROMPTS_LLM_MODEL
  switch (provider) {
    case 'none':
      return { provider, timeoutMs }
    case 'bedrock':
      return { provider, timeoutMs, model }
    case 'openai': {
      const baseUrl = settings.PROMPTS_LLM_BASE_URL
      if (baseUrl !== undefined) {
        return { provider, timeoutMs, model, baseUrl, apiKey: settings.PROMPTS_LLM_API_KEY }
      }
      const message =
        'PROMPTS_LLM_BASE_URL is missing: expected the address of an OpenAI-compatible server, for example http://127.0.0.1:11434/v1, because PROMPTS_LLM is openai.'
      throw new AppError('invalid_input', message)
    }
  }
}

/** @throws AppError `invalid_input` for settings that contradict each other. */
function tokenSettings(settings: Settings): TokenSettings {
  const jwksUrl = settings.PROMPTS_JWT_JWKS_URL
  const issuer = settings.PROMPTS_JWT_ISSUER
  const audiences = settings.PROMPTS_JWT_AUDIENCE
  if (jwksUrl !== undefined && (issuer === undefined || audiences === undefined)) {
    const missing = issuer === undefined ? 'PROMPTS_JWT_ISSUER' : 'PROMPTS_JWT_AUDIENCE'
    throw new AppError('invalid_input', `${missing} is missing: PROMPTS_JWT_JWKS_URL needs it.`)
  }
  // Never both kinds: a token signed with a public key as if it were a secret would be believed.
  const possible = jwksUrl === undefined ? ['HS256'] : ['RS256', 'ES256', 'EdDSA']
  const algorithms = settings.PROMPTS_JWT_ALGORITHMS ?? possible
  const wrong = algorithms.find((algorithm) => !possible.includes(algorithm))
  if (wrong !== undefined) {
    const where = jwksUrl === undefined ? 'without PROMPTS_JWT_JWKS_URL' : 'with PROMPTS_JWT_JWKS_URL'
    const message = `PROMPTS_JWT_ALGORITHMS is wrong: expected ${possible.join(', ')} ${where}, not ${wrong}.`
    throw new AppError('invalid_input', message)
  }
  return {
    jwksUrl,
    issuer,
    audiences,
    audienceClaim: settings.PROMPTS_JWT_AUDIENCE_CLAIM,
    algorithms,
    roleClaim: settings.PROMPTS_JWT_ROLE_CLAIM,
  }
}

/** @throws AppError `invalid_input` when there is no issuer, or none that can be visited. */
function issuerClient(settings: Settings): Config['issuerClient'] {
  const clientId = settings.PROMPTS_OIDC_CLIENT_ID
  const clientSecret = settings.PROMPTS_OIDC_CLIENT_SECRET
  if (clientId === undefined) {
    if (clientSecret === undefined) return undefined
    const message = 'PROMPTS_OIDC_CLIENT_ID is missing: PROMPTS_OIDC_CLIENT_SECRET needs it.'
    throw new AppError('invalid_input', message)
  }
  const issuer = settings.PROMPTS_JWT_ISSUER
  if (settings.PROMPTS_JWT_JWKS_URL === undefined || issuer === undefined) {
    throw new AppError('invalid_input', 'PROMPTS_JWT_JWKS_URL is missing: PROMPTS_OIDC_CLIENT_ID needs it.')
  }
  if (!isSafeUrl(issuer)) {
    const message =
      'PROMPTS_JWT_ISSUER is wrong: PROMPTS_OIDC_CLIENT_ID needs an https address; http only on this machine.'
    throw new AppError('invalid_input', message)
  }
  return { issuer, clientId, clientSecret, scope: settings.PROMPTS_OIDC_SCOPE }
}
