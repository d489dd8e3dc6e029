import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unpackExtension } from '@anthropic-ai/mcpb'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Ajv } from 'ajv'
import { publint } from 'publint'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import serverJson from '../server.json' with { type: 'json' }
import serverSchema from './fixtures/server-schema-2025-12-11.json' with { type: 'json' }
import { tempFolder } from './helpers/folders.ts'
import { environmentOf, PACKAGE_ROOT } from './helpers/program.ts'

const execute = promisify(execFile)
// npm and the packer take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let tarball = ''

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purposepath-'))
  await execute('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: PACKAGE_ROOT })
  tarball = join(folder, (await readdir(folder))[0] ?? '')
  return () => rm(folder, { recursive: true, force: true })
})

test('npx runs the packed package in an empty folder, with nothing else to install', async () => {
  const folder = await tempFolder()
  await execute('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], {
    cwd: folder,
  })
  const env = environmentOf({ PROMPTS_DATA_DIR: join(folder, 'data') })
  const { stdout } = await execute('npx', ['--no', 'purposepath-prompts', 'topics', 'list', '--json'], {
    cwd: folder,
    env,
  })
  expect(JSON.parse(stdout).data).toHaveLength(6)
  expect((await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
    'purposepath-prompts',
  ])
})

test('publint has nothing to say', async () => {
  const { buffer } = await readFile(tarball)
  const { messages } = await publint({ strict: true, pack: { tarball: buffer as ArrayBuffer } })
  expect(messages).toEqual([])
})

test('server.json is made from package.json and valid; else: npm run server-json', async () => {
  const made = join(await tempFolder(), 'server.json')
  await execute(process.execPath, ['scripts/server-json.mjs', made], { cwd: PACKAGE_ROOT })
  expect(serverJson).toEqual(JSON.parse(await readFile(made, 'utf8')))
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(serverSchema)
  expect(validate(serverJson), JSON.stringify(validate.errors)).toBe(true)
  expect(validate({ ...serverJson, description: '' })).toBe(false)
  // The registry looks into the package for the name that it is asked to list it under.
  expect(serverJson.name).toBe(packageJson.mcpName)
})

test('the MCP bundle serves with the settings that a person is asked for', async () => {
  const [folder, data] = await Promise.all([tempFolder(), tempFolder()])
  const [bundle, root] = [join(folder, 'x.mcpb'), join(folder, 'unpacked')]
  await execute(process.execPath, ['scripts/mcpb.mjs', bundle], { cwd: PACKAGE_ROOT })
  await mkdir(root)
  expect(await unpackExtension({ mcpbPath: bundle, outputDir: root, silent: true })).toBe(true)
  const { server, user_config } = JSON.parse(await readFile(join(root, 'manifest.json'), 'utf8'))
  const defaults = Object.entries(user_config as Record<string, { default: string }>)
  const given: Record<string, string> = {
    ...Object.fromEntries(defaults.map(([name, field]) => [name, field.default])),
    prompts_data_dir: data,
  }
  const filledIn = (text: string) =>
    text
      .replace(/\$\{__dirname\}/, root)
      .replace(/\$\{user_config\.(\w+)\}/, (_, name: string) => given[name] ?? 'no such setting')
  const { command, args, env } = server.mcp_config
  const settings = Object.entries(env as Record<string, string>).map(([name, value]) => [
    name,
    filledIn(value),
  ])
  const transport = new StdioClientTransport({
    command,
    args: args.map(filledIn),
    env: environmentOf(Object.fromEntries(settings)),
    cwd: folder,
    stderr: 'ignore',
  })
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(transport)
  onTestFinished(() => client.close())
  expect((await client.listPrompts()).prompts).toHaveLength(6)
  expect(await readdir(data)).toContain('topics')
})
