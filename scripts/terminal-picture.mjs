/**
 * Draws `docs/images/terminal.svg` (or the file that is named) from a real run of the built program.
 * Keys and ids are redacted, so that the same program always gives the same picture.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMMANDS = [
  'purposepath-prompts topics list',
  `purposepath-prompts prompts render revenue_salesforce --param kpi_value=95000 --param threshold=100000 \\
    --param time_period='Q4 2025' | grep -A 9 '── user'`,
  'purposepath-prompts prompts render revenue_salesforce --param kpi_value=a-lot --param period=Q4',
  "echo 'You coach {{user_nmae}}.' | purposepath-prompts prompts update core_values system",
  'purposepath-prompts keys create --name backend',
]

const COLUMNS = 126
const FONT_SIZE = 13
const CHARACTER_WIDTH = 7.8
const LINE_HEIGHT = 18
const PADDING = 20
const TITLE_HEIGHT = 34
const COLOURS = { plain: '#d0d7de', prompt: '#7ee787', red: '#ff7b72', green: '#7ee787', yellow: '#e3b341' }
/** What the program writes for colours and weights (SGR codes). */
const STYLES = {
  0: { colour: 'plain', bold: false, dim: false },
  1: { bold: true },
  2: { dim: true },
  22: { bold: false, dim: false },
  31: { colour: 'red' },
  32: { colour: 'green' },
  33: { colour: 'yellow' },
  39: { colour: 'plain' },
}

const { positionals } = parseArgs({ allowPositionals: true })
const target = resolve(positionals[0] ?? join(ROOT, 'docs/images/terminal.svg'))
const folder = mkdtempSync(join(tmpdir(), 'purposepath-picture-'))
try {
  const lines = COMMANDS.flatMap((command) => [
    ...command.split('\n').map((text, index) => promptLine(text, index === 0)),
    ...run(command).split('\n').flatMap(lineRuns),
    [],
  ])
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, svgOf(lines.slice(0, -1)))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** What a command prints, on a data folder of its own, with the program under its own name. */
function run(command) {
  const program = join(folder, 'bin', 'purposepath-prompts')
  mkdirSync(dirname(program), { recursive: true })
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'dist/main.js')}" "$@"\n`, {
    mode: 0o755,
  })
  const env = {
    PATH: [dirname(program), process.env['PATH']].join(delimiter),
    PROMPTS_DATA_DIR: join(folder, 'data'),
    FORCE_COLOR: '1',
    // Names of commands and texts are not only ASCII.
    LC_ALL: 'C.UTF-8',
  }
  // A refused command ends with its exit code; its words are what is wanted.
  const output = execFileSync('sh', ['-c', `{ ${command}\n} 2>&1 || true`], { env, encoding: 'utf8' })
  return redacted(output).trimEnd()
}

function redacted(output) {
  const text = output
    .replace(/ppath_svc_([a-z0-9-]+)_[0-9a-f]{48}/g, 'ppath_svc_$1_9f2c41…')
    .replace(/(Created key )[0-9a-f]{8}/g, '$11f0c7a52')
  for (const place of [folder, ROOT]) {
    if (text.includes(place)) throw new Error(`The picture would show ${place}.`)
  }
  return text
}

function promptLine(text, isFirst) {
  const plain = { colour: 'plain', bold: true, dim: false, text }
  return isFirst ? [{ colour: 'prompt', bold: true, dim: false, text: '$ ' }, plain] : [plain]
}

/** Lines of runs of one style, cut at the terminal's width; one line of output makes at least one. */
function lineRuns(line) {
  const lines = [[]]
  let style = STYLES[0]
  let column = 0
  for (const [, code, text] of line.matchAll(/\u001b\[(\d+)m|([^\u001b]+)/g)) {
    if (code !== undefined) style = { ...style, ...STYLES[code] }
    for (let rest = text ?? ''; rest !== ''; ) {
      if (column === COLUMNS) {
        lines.push([])
        column = 0
      }
      const part = rest.slice(0, COLUMNS - column)
      lines.at(-1).push({ ...style, text: part })
      column += part.length
      rest = rest.slice(part.length)
    }
  }
  return lines
}

function svgOf(lines) {
  const width = Math.round(COLUMNS * CHARACTER_WIDTH + 2 * PADDING)
  const height = TITLE_HEIGHT + lines.length * LINE_HEIGHT + PADDING
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, index) => `<circle cx="${PADDING + index * 18}" cy="18" r="5.5" fill="${fill}"/>`,
  )
  const texts = lines.flatMap((runs, index) => textsOf(runs, TITLE_HEIGHT + (index + 1) * LINE_HEIGHT))
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>The command line: topics are listed, a prompt is rendered, wrong input is refused by name, a key is made</title>',
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    ...dots,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace" font-size="${FONT_SIZE}">`,
    ...texts,
    '</g>',
    '</svg>',
  ].join('\n')}\n`
}

/** One element for each run, held to its columns whatever the font. */
function textsOf(runs, y) {
  let column = 0
  return runs.map(({ colour, bold, dim, text }) => {
    const x = PADDING + column * CHARACTER_WIDTH
    column += text.length
    const attributes = [
      `x="${rounded(x)}" y="${y}" textLength="${rounded(text.length * CHARACTER_WIDTH)}"`,
      `fill="${COLOURS[colour]}"`,
      ...(bold ? ['font-weight="600"'] : []),
      ...(dim ? ['opacity="0.6"'] : []),
    ]
    return `<text ${attributes.join(' ')}>${escaped(text)}</text>`
  })
}

function rounded(number) {
  return Number(number.toFixed(1))
}

/** With spaces that no viewer runs together. */
function escaped(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(' ', '\u00a0')
}
