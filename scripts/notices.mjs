/**
 * Names every package whose code is in the bundle, with its licence text: `dist/THIRD-PARTY-NOTICES`. Their licences
 * ask for that, and the installed package has no `node_modules` to look them up in.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.|-|$)/i

/**
 * @param {string[]} files what the bundles are made of.
 * @param {string[]} copied folders of packages whose files are copied as they are.
 * @param {{ title: string, text: string }[]} others what such packages carry of others.
 * @returns {Promise<string>} the text of the file, in an order that does not depend on the machine.
 */
export async function noticesOf(files, copied, others) {
  const bundled = files.flatMap(packageFolderOf)
  const folders = [...new Set([...bundled, ...copied])]
  const notices = [...(await Promise.all(folders.map(noticeOf))), ...others]
  // Most packages of one publisher share a text.
  const titlesByText = new Map()
  for (const { title, text } of notices) {
    titlesByText.set(text, [...new Set([...(titlesByText.get(text) ?? []), title])].sort())
  }
  return [...titlesByText]
    .sort(([, [a]], [, [b]]) => (a < b ? -1 : 1))
    .map(([text, titles]) => `${titles.join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`)
}

/** The folder of the package that a file of the bundle belongs to; none for files of this project. */
function packageFolderOf(path) {
  const match = /^\0?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)
  return match ? [match[1]] : []
}

async function noticeOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const text = texts.map((one) => one.replaceAll('\r\n', '\n').trim()).join('\n\n')
  return { title: `${name} ${version} (${license})`, text: text || `Licence: ${license}` }
}
