import pc from 'picocolors'
import { type AppError, problemOf } from '../domain/errors.ts'
import type { TextListener } from '../domain/language-model.ts'
import { type Result, responseBody } from '../pipeline/result.ts'

let isReaderWatched = false

/** Results go to stdout, and nothing else does. */
export function print(text: string): void {
  if (!isReaderWatched) {
    isReaderWatched = true
    // Whoever reads may stop reading, as `head` does: that is no failure.
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  }
  process.stdout.write(`${text}\n`)
}

/** A remark for the person at the terminal, on stderr. */
export function info(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Prints an answer: as the JSON that every surface answers, or for a person. */
export function printAnswer(answer: Result<unknown>, asJson: boolean): void {
  if (asJson) {
    print(JSON.stringify(responseBody(answer), null, 2))
    return
  }
  endLiveText()
  const { data, meta, errors } = answer
  if (Array.isArray(data)) print(data.length > 0 ? table(data) : pc.dim('none'))
  else printObject(data as Record<string, unknown>)
  for (const [id, { code, detail }] of Object.entries(errors ?? {}))
    info(pc.red(`${id}: ${detail} (${code})`))
  for (const { path, message } of meta?.warnings ?? []) info(pc.yellow(`${path}: ${message}`))
  if (meta?.stale) info(pc.yellow(`The store cannot be reached; this is as of ${meta.as_of}.`))
  if (meta?.next_cursor !== undefined) info(pc.dim(`More with --cursor ${meta.next_cursor}`))
}

/** Shows a person at a terminal what a model says while it says it; the answer itself follows on stdout. */
export function liveText(): TextListener | undefined {
  if (!process.stderr.isTTY) return undefined
  return {
    onText(text) {
      isInLiveText = true
      process.stderr.write(pc.dim(harmless(text)))
    },
    onReset: () => process.stderr.write(pc.dim('\n[starting over]\n')),
  }
}

/** True while the cursor stands behind live text. */
let isInLiveText = false

function endLiveText(): void {
  if (isInLiveText) process.stderr.write('\n\n')
  isInLiveText = false
}

/** What a model says may try to steer the terminal: of control characters only those of text are left. */
function harmless(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}

/** Prints a failure on stderr: the problem document, or its sentence and one line for each faulty field. */
export function printFailure(error: AppError, asJson: boolean): void {
  endLiveText()
  // Whoever is at the terminal is the operator.
  const problem = { ...problemOf(error), detail: error.operatorMessage }
  if (asJson) {
    info(JSON.stringify(problem, null, 2))
    return
  }
  info(`${pc.red(`${problem.title}:`)} ${problem.detail}`)
  const { errors = [] } = problem
  const isSaid = errors.length < 2 || errors.every(({ expected }) => problem.detail.includes(expected))
  for (const { path, line, column, message } of isSaid ? [] : errors) {
    info(`  ${pc.bold(path)}${line === undefined ? '' : `:${line}:${column}`} ${message}`)
  }
}

function printObject(data: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(data)) {
    if (name === 'prompts' && isTexts(value)) printTexts(value)
    else if (isObject(value) && isTexts(value['prompts'])) {
      print(pc.bold(`══ ${name} ══`))
      printTexts(value['prompts'])
    } else if (isSentences(value))
      print([pc.bold(`${name}:`), ...value.map((one) => `  - ${shown(one)}`)].join('\n'))
    else print(`${pc.bold(`${name}:`)} ${shown(cell(value))}`)
  }
}

function printTexts(texts: Record<string, string>): void {
  for (const [type, text] of Object.entries(texts)) print(`${pc.bold(`── ${type} ──`)}\n${shown(text)}`)
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isSentences(value: unknown): value is string[] {
  return Array.isArray(value) && value.some((one) => typeof one === 'string' && /\s/.test(one))
}

/** As a person at a terminal may see it; a file or a program gets what it is. */
function shown(text: string): string {
  return process.stdout.isTTY ? harmless(text) : text
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
export function table(rows: readonly Record<string, unknown>[]): string {
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
  return [pc.bold(line(names)), ...texts.map(line)].join('\n')
}

function clip(text: string): string {
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text
}
