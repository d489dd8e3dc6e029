import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe } from 'vitest'
import { shared } from './at-end.ts'
import { tempFolder } from './folders.ts'
import { missing } from './missing.ts'
import { PACKAGE_ROOT } from './program.ts'

const APP = join(PACKAGE_ROOT, 'deploy')
const CDK = join(APP, 'node_modules/aws-cdk/bin/cdk')

export interface CdkResource<P = Record<string, unknown>> {
  Type: string
  Properties: P
  DeletionPolicy?: string
}

export interface CdkTemplate {
  Resources: Record<string, CdkResource>
}

/** What the app in `deploy/` makes. */
export interface Synthesized {
  data: CdkTemplate
  service: CdkTemplate
  /** What cdk-nag and CDK's own checks find. */
  findings: unknown[]
  /** The folders of code that would be uploaded. */
  assets: string[]
}

/**
 * Runs `cdk synth`, with CDK's checks of the templates' schema.
 *
 * @throws Error with what CDK writes when it fails.
 */
async function synthesize(context: Record<string, string>, outdir: string): Promise<Synthesized> {
  const values = Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const words = [
    CDK,
    'synth',
    '--quiet',
    '--no-path-metadata',
    '--no-asset-metadata',
    '--output',
    outdir,
    ...values,
  ]
  const env = { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' }
  await promisify(execFile)(process.execPath, words, { cwd: APP, env })
  const read = (name: string) => JSON.parse(readFileSync(join(outdir, name), 'utf8'))
  const report = existsSync(join(outdir, 'validation-report.json')) ? read('validation-report.json') : {}
  return {
    data: read('purposepath-prompts-data-dev.template.json'),
    service: read('purposepath-prompts-dev.template.json'),
    findings: report.pluginReports ?? [],
    assets: readdirSync(outdir)
      .filter((name) => /^asset\.\w+$/.test(name))
      .map((name) => join(outdir, name)),
  }
}

/**
 * A group of tests of the CDK app. Where its packages are missing the tests are skipped and a line says what to install;
 * in CI they fail.
 */
export function describeWithCdk(name: string, tests: () => void): void {
  if (existsSync(CDK)) describe(name, tests)
  else missing(name, 'needs: npm ci --prefix deploy')
}

/** What one context makes; its members are there when the tests run. */
export function synthesized(context: Record<string, string>): Synthesized {
  return shared(async (atEnd) => synthesize(context, await tempFolder(atEnd)))
}

/** Where the tests keep a stack's template as it should be. */
export const goldenPath = (name: string) => join(PACKAGE_ROOT, 'test/golden/deploy', `${name}.json`)

export function goldenTemplate(name: string): CdkTemplate {
  return JSON.parse(readFileSync(goldenPath(name), 'utf8'))
}

/** The resources of a type, in the order of the template. */
export function resourcesOf<P>({ Resources }: CdkTemplate, type: string): CdkResource<P>[] {
  return Object.values(Resources).filter(({ Type }) => Type === type) as CdkResource<P>[]
}

/** @throws Error when there is none. */
export function resourceOf<P>(template: CdkTemplate, type: string): CdkResource<P> {
  const [found] = resourcesOf<P>(template, type)
  if (!found) throw new Error(`The template has no ${type}.`)
  return found
}
