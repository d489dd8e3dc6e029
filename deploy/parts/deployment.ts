import { type Config, type Environment, loadConfig } from '../../src/config.ts'
import { SETTING_NAMES } from '../../src/settings.ts'

/** What is deployed, as the context says it. */
export interface Deployment {
  kind: 'web-function' | 'fargate'
  stage: string
  /** Settings of the program, by their names. */
  environment: Record<string, string>
  /** The same as the program reads them. */
  config: Config
  /** Where callers reach the service; `undefined`: not known yet, which only a Web Function may be. */
  publicUrl: string | undefined
  /** Who is told of alarms. */
  alarmEmail: string | undefined
  /** Fargate: the balancer's certificate, which must be for the public URL's host. */
  certificateArn: string | undefined
  /** Fargate: an image that exists; `undefined`: it is made from the Dockerfile. */
  image: string | undefined
  /** Web Function: the revision that keeps the rest of the traffic while this one has a share of it. */
  canary: { previousRevision: string; percent: number } | undefined
}

/** They would stand in the template for everyone who may read it. */
const SECRETS = ['PROMPTS_LLM_API_KEY', 'PROMPTS_OIDC_CLIENT_SECRET', 'PROMPTS_TOKEN', 'LANGFUSE_SECRET_KEY']
const ELSEWHERE = 'put it into a secret of AWS, and name that as PROMPTS_SETTINGS_SECRET'
/** Both kinds stand behind one proxy that can be believed, and their logs go to CloudWatch. */
const GIVEN = { PROMPTS_STORE: 'aws', PROMPTS_EMF: 'true', PROMPTS_TRUST_PROXY: '1' }
/** Where the program listens: the image says it, and Lambda. */
const LISTENING = {
  'web-function': { AWS_LAMBDA_HTTP_ENDPOINT: '0.0.0.0:3000' },
  fargate: { PROMPTS_HOST: '0.0.0.0' },
}
/** The only name that is allowed until the public one is known: every request is refused but those for the state of health. */
const NO_HOST_YET = { PROMPTS_ALLOWED_HOSTS: 'localhost' }

/**
 * Reads the context. Whatever has the name of a setting goes to the program.
 *
 * @throws Error that names the key that is wrong or missing.
 */
export function deploymentOf(context: Environment): Deployment {
  const read = (key: string) => context[key]
  const kind = read('kind') ?? 'web-function'
  if (kind !== 'web-function' && kind !== 'fargate') {
    throw new Error(`The context's kind is wrong: expected web-function or fargate, not ${kind}.`)
  }
  const certificateArn = read('certificateArn')
  const settings = settingsIn(context)
  const publicUrl = settings['PROMPTS_PUBLIC_URL']
  if (kind === 'fargate') {
    if (certificateArn === undefined) throw missing('certificateArn', "the ARN of the balancer's certificate")
    if (publicUrl === undefined)
      throw missing('PROMPTS_PUBLIC_URL', 'https:// and the name in the certificate')
  }
  const environment = { ...GIVEN, ...(publicUrl === undefined && NO_HOST_YET), ...settings }
  const config = loadConfig({ ...environment, ...LISTENING[kind] })
  return {
    kind,
    stage: config.stage,
    environment: { ...environment, STAGE: config.stage },
    config,
    publicUrl,
    alarmEmail: read('alarmEmail'),
    certificateArn,
    image: read('image'),
    canary: canaryOf(read('previousRevision'), read('percent')),
  }
}

function settingsIn(context: Environment): Record<string, string> {
  const given = Object.entries(context).filter(([key]) => /^[A-Z][A-Z0-9_]+$/.test(key))
  for (const [key] of given) {
    if (!SETTING_NAMES.includes(key)) throw new Error(`The context's ${key} is no setting of the program.`)
    if (SECRETS.includes(key))
      throw new Error(`The context's ${key} is a secret, which a template must not hold: ${ELSEWHERE}.`)
  }
  return Object.fromEntries(given.map(([key, value]) => [key, String(value)]))
}

function canaryOf(
  previousRevision: string | undefined,
  percentage: string | undefined,
): Deployment['canary'] {
  if (previousRevision === undefined && percentage === undefined) return undefined
  if (previousRevision === undefined) throw missing('previousRevision', 'the revision that serves now')
  const percent = Number(percentage)
  if (!Number.isInteger(percent) || percent < 1 || percent > 99) {
    throw new Error("The context's percent is wrong: expected the new revision's share, 1 to 99.")
  }
  return { previousRevision, percent }
}

function missing(key: string, expected: string): Error {
  return new Error(`The context's ${key} is missing: expected ${expected}.`)
}
