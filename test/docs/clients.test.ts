import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { pages } from './pages.ts'

const page = pages.get('docs/clients.md') ?? ''
const server = { command: 'npx', args: ['-y', packageJson.name, 'stdio'] }

/** What a link that begins with `start` says, in the README and in the document; GitHub shows https links alone. */
function linksTo(start: string): URLSearchParams[] {
  const texts = [pages.get('README.md') ?? '', page]
  return texts.map((text) => {
    const [, link = ''] = text.split(`](${start}`)
    return new URLSearchParams(link.slice(0, link.indexOf(')')))
  })
}

test('the links for VS Code say what to start', () => {
  for (const query of linksTo('https://vscode.dev/redirect/mcp/install?')) {
    expect(query.get('name')).toBe(packageJson.name)
    expect(JSON.parse(query.get('config') ?? '')).toEqual(server)
  }
})

test('the links for Cursor say what to start', () => {
  for (const query of linksTo('https://cursor.com/en/install-mcp?')) {
    expect(query.get('name')).toBe(packageJson.name)
    expect(JSON.parse(Buffer.from(query.get('config') ?? '', 'base64').toString())).toEqual(server)
  }
})

test('the command for VS Code says what to start', () => {
  const [, given = ''] = /code --add-mcp '([^']+)'/.exec(pages.get('README.md') ?? '') ?? []
  expect(JSON.parse(given)).toEqual({ name: packageJson.name, ...server })
})

test('every configuration is JSON', () => {
  const blocks = [...page.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, text = '']) => text)
  expect(blocks.length).toBeGreaterThan(2)
  for (const block of blocks) expect(() => JSON.parse(block)).not.toThrow()
})
