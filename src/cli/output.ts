import type { Readable, Writable } from 'node:stream'
import type { OutputConfiguration } from 'commander'
import pc from 'picocolors'
import type { Environment } from '../config.ts'
import { type AppError, problemOf } from '../domain/errors.ts'
import type { TextListener } from '../domain/language-model.ts'
import { type Result, responseBody } from '../pipeline/result.ts'

type Output = Writable & { isTTY?: boolean; columns?: number }
type Colors = ReturnType<typeof pc.createColors>

/**
 * What one run of the command line reads and writes: the process, or streams of a test.
 *
 * @example
 * const code = await run(['topics', 'list'], { stdin, stdout, stderr, env: { PROMPTS_DATA_DIR: folder }, packageRoot })
 */
export interface CommandIo {
  readonly stdin: Readable & { isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Environment
  /** Folder of the package: `seeds/` is in it. */
  readonly packageRoot: string
}

/** The printer of one run. Results go to stdout, and nothing else does; remarks go to stderr. */
export interface Terminal {
  readonly colors: Colors
  /** Where commander prints help and refusals. */
  readonly help: OutputConfiguration
  /** A line of a result. */
  print(text: string): void
  /** A remark for the person at the terminal. */
  info(text: string): void
  /** An answer: as the JSON that every surface answers, or for a person. */
  printAnswer(answer: Result<unknown>, asJson: boolean): void
  /** Rows: as JSON, as a table, or, when there are none, `otherwise`. */
  printRows(rows: readonly object[], options: { asJson: boolean; otherwise: string }): void
  /** A failure: the problem document, or its sentence and one line for each faulty field. */
  printFailure(error: AppError, asJson: boolean): void
  /** Prints an answer of a conversation on stdout: for a person at a terminal already while it is generated. */
  answerPrinter(): AnswerPrinter
  /** Shows a person what a model says while it says it; the answer follows on stdout. `undefined` without a terminal. */
  liveText(): TextListener | undefined
}

/** The printer of one answer. */
interface AnswerPrinter {
  /** `undefined` without a terminal. */
  listener: TextListener | undefined
  /** Prints what was not shown yet. */
  finish(answer: string): void
  /** Ends an answer that does not come to its end. */
  breakOff(): void
}

export function createTerminal(io: CommandIo): Terminal {
  let colors: Colors | undefined
  let isReaderWatched = false
  /** True while the cursor stands behind live text. */
  let isInLiveText = false

  function write(text: string): void {
    if (!isReaderWatched) {
      isReaderWatched = true
      // The reader may stop reading, as `head` does: that is no failure.
      io.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
    }
    io.stdout.write(text)
  }

  function endLiveText(): void {
    if (isInLiveText) io.stderr.write('\n\n')
    isInLiveText = false
  }

  const terminal: Terminal = {
    get colors() {
      colors ??= pc.createColors(wantsColors(io))
      return colors
    },
    help: {
      writeOut: write,
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => widthOf(io.stdout),
      getErrHelpWidth: () => widthOf(io.stderr),
    },
    print: (text) => write(`${text}\n`),
    info: (text) => void io.stderr.write(`${text}\n`),
    printAnswer(answer, asJson) {
      if (!asJson) endLiveText()
      // A file or a program gets the text as it is.
      const shown = io.stdout.isTTY ? harmless : (text: string) => text
      for (const line of asJson ? [json(responseBody(answer))] : linesOf(answer.data, terminal.colors, shown))
        terminal.print(line)
      for (const remark of asJson ? [] : remarksOn(answer, terminal.colors)) terminal.info(remark)
    },
    printRows(rows, { asJson, otherwise }) {
      if (asJson) terminal.print(json({ data: rows }))
      else
        terminal.print(
          rows.length > 0
            ? table(
                rows.map((row) => ({ ...row })),
                terminal.colors,
              )
            : otherwise,
        )
    },
    printFailure(error, asJson) {
      endLiveText()
      // The person at the terminal is the operator.
      const problem = { ...problemOf(error), detail: error.operatorMessage }
      for (const line of asJson ? [json(problem)] : sentencesOf(problem, terminal.colors)) terminal.info(line)
    },
    answerPrinter() {
      const isLive = io.stdout.isTTY === true
      let shown = ''
      const onText = (text: string) => {
        shown += text
        write(harmless(text))
      }
      const onReset = () => {
        shown = ''
        write(terminal.colors.dim('\n[starting over]\n'))
      }
      return {
        listener: isLive ? { onText, onReset } : undefined,
        finish: (answer) => write(`${shown === '' ? (isLive ? harmless(answer) : answer) : ''}\n`),
        breakOff: () => shown !== '' && write('\n'),
      }
    },
    liveText() {
      if (!io.stderr.isTTY) return undefined
      return {
        onText(text) {
          isInLiveText = true
          io.stderr.write(terminal.colors.dim(harmless(text)))
        },
        onReset: () => void io.stderr.write(terminal.colors.dim('\n[starting over]\n')),
      }
    },
  }
  return terminal
}

/** As picocolors decides for the process that it runs in. */
function wantsColors({ env, stdout }: CommandIo): boolean {
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR'] || env['CI'] || process.platform === 'win32') return true
  return stdout.isTTY === true && env['TERM'] !== 'dumb'
}

function widthOf({ isTTY, columns }: Output): number {
  // Commander takes none for 80 columns, as its own default does; its types do not say so.
  return (isTTY ? columns : undefined) as number
}

const json = (value: object) => JSON.stringify(value, null, 2)

/** What a model says may try to steer the terminal: of control characters only those of text are left. */
function harmless(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}

/** An answer's data for a person. */
function linesOf(data: unknown, colors: Colors, shown: (text: string) => string): string[] {
  if (Array.isArray(data)) return [data.length > 0 ? table(data, colors) : colors.dim('none')]
  const { bold } = colors
  const textLines = (texts: Record<string, string>) =>
    Object.entries(texts).map(([type, text]) => `${bold(`── ${type} ──`)}\n${shown(text)}`)
  return Object.entries(data as Record<string, unknown>).flatMap(([name, value]) => {
    if (name === 'prompts' && isTexts(value)) return textLines(value)
    if (isObject(value) && isTexts(value['prompts']))
      return [bold(`══ ${name} ══`), ...textLines(value['prompts'])]
    if (isSentences(value)) return [[bold(`${name}:`), ...value.map((one) => `  - ${shown(one)}`)].join('\n')]
    return [`${bold(`${name}:`)} ${shown(cell(value))}`]
  })
}

/** What a person should know about an answer beside its data. */
function remarksOn({ errors = {}, meta }: Result<unknown>, { red, yellow, dim }: Colors): string[] {
  const remarks = Object.entries(errors).map(([id, { code, detail }]) => red(`${id}: ${detail} (${code})`))
  for (const { path, message } of meta?.warnings ?? []) remarks.push(yellow(`${path}: ${message}`))
  if (meta?.stale) remarks.push(yellow(`The store cannot be reached; this is as of ${meta.as_of}.`))
  if (meta?.next_cursor !== undefined) remarks.push(dim(`More with --cursor ${meta.next_cursor}`))
  return remarks
}

function sentencesOf({ title, detail, errors = [] }: ReturnType<typeof problemOf>, colors: Colors): string[] {
  const isSaid = errors.length < 2 || errors.every(({ expected }) => detail.includes(expected))
  const fields = (isSaid ? [] : errors).map(({ path, line, column, message }) => {
    const where = line === undefined ? '' : `:${line}:${column}`
    return `  ${colors.bold(path)}${where} ${message}`
  })
  return [`${colors.red(`${title}:`)} ${detail}`, ...fields]
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isSentences(value: unknown): value is string[] {
  return Array.isArray(value) && value.some((one) => typeof one === 'string' && /\s/.test(one))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function cell(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ')
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')
}

/** Fields that would make a table too wide to read. */
const NOT_IN_TABLES = new Set(['description', 'display_order', 'updated_at', 'updated_by', 'external_id'])
const MAX_CELL = 40

/** Rows as aligned columns: every short field that any row has. */
function table(rows: readonly Record<string, unknown>[], { bold }: Colors): string {
  const isShort = (value: unknown) =>
    typeof value !== 'object' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    .filter((name) => !NOT_IN_TABLES.has(name))
    .filter((name) => rows.every((row) => isShort(row[name])))
  const texts = rows.map((row) => names.map((name) => clip(cell(row[name]))))
  const widths = names.map((name, index) =>
    Math.max(name.length, ...texts.map((row) => (row[index] as string).length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((text, index) => text.padEnd(widths[index] as number))
      .join('  ')
      .trimEnd()
  return [bold(line(names)), ...texts.map(line)].join('\n')
}

function clip(text: string): string {
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text
}
