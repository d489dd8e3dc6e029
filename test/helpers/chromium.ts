import { type Browser, chromium } from 'playwright-core'
import { type Environment, runProgram } from './program.ts'

/** Debian's, without the windows around pages, which would take most of the time; other systems say where theirs is. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium-headless-shell'

export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...args] })
}

/** A link that signs a browser in to the admin page of a running server. */
export async function signInLink(url: string, settings: Environment): Promise<string> {
  const { stdout } = await runProgram(['login', '--port', new URL(url).port], settings)
  return stdout.trim()
}
