import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { pages } from './pages.ts'

const page = pages.get('docs/clients.md') ?? ''
const server = { command: 'npx', args: ['-y', packageJson.name, 'stdio'] }

/** The address that the link of a client begins with `start` leads to. */
function linkOf(start: string): string {
  const [, rest = ''] = new RegExp(`\\(${start}([^)]*)\\)`).exec(page) ?? []
  return rest
}

test('the link for VS Code says what to start', () => {
  const given = decodeURIComponent(linkOf('vscode:mcp/install\\?'))
  expect(JSON.parse(given)).toEqual({ name: packageJson.name, ...server })
})

test('the link for Cursor says what to start', () => {
  const query = new URLSearchParams(linkOf('cursor://anysphere.cursor-deeplink/mcp/install\\?'))
  expect(query.get('name')).toBe(packageJson.name)
  expect(JSON.parse(Buffer.from(query.get('config') ?? '', 'base64').toString())).toEqual(server)
})

test('every configuration is JSON', () => {
  const blocks = [...page.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, text = '']) => text)
  expect(blocks.length).toBeGreaterThan(2)
  for (const block of blocks) expect(() => JSON.parse(block)).not.toThrow()
})
