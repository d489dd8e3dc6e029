import { expect } from 'vitest'
import { operations } from '../../src/operations/table.ts'
import { pathFields } from '../../src/pipeline/operation.ts'
import { api, GENEROUS, tokenOf } from './api.ts'
import { connect } from './clients.ts'
import { runCommand } from './command.ts'
import { tempFolder } from './folders.ts'
import { jsonOf } from './matrix.ts'
import { type Environment, startServer } from './program.ts'

export type Input = Record<string, unknown>
/** One call of an operation on one surface; its answer, or the problem document. */
export type Surface = (name: string, input: Input) => Promise<unknown>

function operationOf(name: string) {
  const operation = operations.find((one) => one.name === name)
  if (!operation) throw new Error(`no operation ${name}`)
  return operation
}

async function rest(settings: Environment): Promise<Surface> {
  const server = await startServer({ ...GENEROUS, ...settings })
  const token = await tokenOf(settings)
  return async (name, input) => {
    const operation = operationOf(name)
    const http = operation.adminRoute?.http ?? operation.http ?? ''
    const names = pathFields({ http })
    const line = http.replace(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(String(input[field])))
    const others = Object.entries(input).filter(([field]) => !names.includes(field))
    const isQuery = /^(GET|DELETE)/.test(line)
    const query = new URLSearchParams(Object.fromEntries(others) as Record<string, string>)
    const answer = await (isQuery && others.length > 0
      ? api(server, `${line}?${query}`, { token })
      : api(server, line, { token, ...(!isQuery && { body: Object.fromEntries(others) }) }))
    return answer.json
  }
}

async function mcp(settings: Environment): Promise<Surface> {
  const client = await connect({ settings }, '2026-07-28')
  await client.listTools()
  return async (name, input) => {
    const answer = await client.callTool({ name: operationOf(name).tool ?? '', arguments: input })
    if (answer.isError) {
      expect(answer).not.toHaveProperty('structuredContent')
      expect(answer._meta).toMatchObject({ code: (jsonOf(answer) as { code: string }).code })
    } else expect(answer.structuredContent).toEqual(jsonOf(answer))
    return jsonOf(answer)
  }
}

async function commandLine(settings: Environment): Promise<Surface> {
  return async (name, input) => {
    const names = pathFields(operationOf(name))
    const options = Object.entries(input)
      .filter(([field]) => !names.includes(field))
      .flatMap(([field, value]) => [
        `--${field.replaceAll('_', '-')}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ])
    const words = [...name.split('.'), ...names.map((field) => String(input[field])), ...options, '--json']
    const { code, stdout, stderr } = await runCommand(words, settings)
    if (code === 0) return JSON.parse(stdout)
    expect({ words, stdout }).toEqual({ words, stdout: '' })
    return JSON.parse(stderr)
  }
}

/** Every surface, each with the seeds in a data folder of its own. */
export async function surfaces(): Promise<Record<string, Surface>> {
  const folder = async () => ({ PROMPTS_DATA_DIR: await tempFolder() })
  const [overRest, overMcp, inShell] = [
    rest(await folder()),
    mcp(await folder()),
    commandLine(await folder()),
  ]
  return { REST: await overRest, MCP: await overMcp, command: await inShell }
}
