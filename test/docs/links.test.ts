import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../helpers/program.ts'
import { pages, proseOf } from './pages.ts'

const { scripts } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, text = '']) => text)
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Where links lead out of the repository: addresses that were looked up. Tests have no network. */
const LOOKED_UP = [
  'https://aws.amazon.com/pricing/',
  'https://cursor.com/en/install-mcp',
  'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html',
  'https://github.com/open-telemetry/semantic-conventions-genai',
  'https://jqlang.org',
  'https://mustache.github.io',
  'https://vscode.dev/redirect/mcp/install',
]
const REPOSITORY = 'https://github.com/purposepath/purposepath-prompts/tree/main/'

/** Relative links of a page that lead nowhere. */
function brokenLinks(path: string, page: string): string[] {
  return [...proseOf(page).matchAll(/(?:\]\(|(?:src|srcset)=")([^)\s"]+)[)"]/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : normalize(join(dirname(path), file))
      if (!existsSync(join(PACKAGE_ROOT, target))) return true
      return anchor !== undefined && !anchorsOf(pages.get(target) ?? '').has(anchor)
    })
}

describe.each([...pages])('%s', (path, page) => {
  it('links to what there is', () => expect(brokenLinks(path, page)).toEqual([]))

  it('links to nothing outside that was not looked up', () => {
    const links = [...proseOf(page).matchAll(/\]\(([a-z]+:[^)\s?]+)/g)].map(([, link = '']) => link)
    const unknown = links.filter((link) => {
      const [, file] = link.split(REPOSITORY)
      return file === undefined ? !LOOKED_UP.includes(link) : !existsSync(join(PACKAGE_ROOT, file))
    })
    expect(unknown).toEqual([])
  })

  it('names scripts of package.json', () => {
    const named = [...page.matchAll(/npm run (?:--silent )?([a-z]+)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it('names files of this repository', () => {
    const named = [...page.matchAll(/`((?:src|test|scripts|deploy|seeds|docs)\/[\w./-]*)`/g)]
    expect(
      named.map(([, file = '']) => file).filter((file) => !existsSync(join(PACKAGE_ROOT, file))),
    ).toEqual([])
  })
})

it('every document is reached from the README', () => {
  const found = new Set(['README.md'])
  for (const path of found) {
    for (const [, link = ''] of proseOf(pages.get(path) ?? '').matchAll(/\]\(([^)\s#]+\.md)/g))
      if (!link.includes(':')) found.add(normalize(join(dirname(path), link)))
  }
  expect([...pages.keys()].filter((path) => !found.has(path))).toEqual([])
})
