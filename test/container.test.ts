import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { tempFolder } from './helpers/folders.ts'
import { environmentOf, PACKAGE_ROOT, waitFor } from './helpers/program.ts'

/** A stage of a Dockerfile: its image, and its instructions in order. */
interface Stage {
  image: string
  steps: { instruction: string; text: string }[]
}

const stages = stagesOf(await readFile(join(PACKAGE_ROOT, 'Dockerfile'), 'utf8'))
const [build, final] = stages as [Stage, Stage]

function stagesOf(dockerfile: string): Stage[] {
  const stages: Stage[] = []
  const lines = dockerfile.replaceAll('\\\n', ' ').split('\n')
  for (const line of lines.filter((line) => line.trim() !== '' && !line.startsWith('#'))) {
    const [, instruction = '', text = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    if (instruction === 'FROM') stages.push({ image: text.split(' ')[0] ?? '', steps: [] })
    else stages.at(-1)?.steps.push({ instruction, text })
  }
  return stages
}

const valuesOf = ({ steps }: Stage, name: string) =>
  steps.filter(({ instruction }) => instruction === name).map(({ text }) => text)

/** The environment that the image sets. */
function settingsOf(stage: Stage): Record<string, string> {
  return Object.fromEntries(
    valuesOf(stage, 'ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('='))),
  )
}

/** Does a COPY: sources of the context, or of the stage before, to a folder that stands for the root of the image. */
async function copy(text: string, stage: string, context: string, root: string): Promise<void> {
  const words = text.split(' ').filter((word) => !word.startsWith('--'))
  const from = text.includes('--from=build') ? stage : context
  const to = words.pop() ?? ''
  for (const source of words) {
    const target = to === './' ? source.split('/').at(-1) : to
    await cp(join(from, source), join(root, 'app', target ?? ''), { recursive: true })
  }
}

async function execute(command: string, cwd: string): Promise<void> {
  const child = spawn('sh', ['-c', command], { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

describe('Dockerfile', () => {
  test('ends in an image without a shell and without rights, of fixed versions', () => {
    expect(stages.map(({ image }) => image)).toEqual([
      'node:24-trixie-slim',
      'gcr.io/distroless/nodejs24-debian13:nonroot',
    ])
    expect(valuesOf(final, 'RUN')).toEqual([])
    expect(valuesOf(final, 'USER')).toEqual([])
    expect(stages.flatMap((stage) => valuesOf(stage, 'ADD'))).toEqual([])
  })

  test('copies nothing that .dockerignore keeps out', async () => {
    const kept = (await readFile(join(PACKAGE_ROOT, '.dockerignore'), 'utf8')).match(/^!.+$/gm) ?? []
    const copied = stages
      .flatMap((stage) => valuesOf(stage, 'COPY'))
      .filter((text) => !text.includes('--from'))
      .flatMap((text) => text.split(' ').slice(0, -1))
    expect([...new Set(copied)].sort()).toEqual(kept.map((line) => line.slice(1)).sort())
  })

  test('makes a server that answers its health check, from the files that it copies alone', async () => {
    const [stage, root, data] = await Promise.all([tempFolder(), tempFolder(), tempFolder()])
    await mkdir(join(stage, 'app'))
    for (const { instruction, text } of build.steps) {
      if (instruction === 'COPY') await copy(text, stage, PACKAGE_ROOT, stage)
      // What it would install is here already.
      else if (text.startsWith('npm ci'))
        await symlink(join(PACKAGE_ROOT, 'node_modules'), join(stage, 'app/node_modules'))
      else if (instruction === 'RUN')
        await execute(text.replace('/data', join(stage, 'data')), join(stage, 'app'))
    }
    for (const text of valuesOf(final, 'COPY'))
      if (!text.endsWith(' /data')) await copy(text, stage, PACKAGE_ROOT, root)
    // Node.js and its libraries take the rest of the 150 MB that the image may have when it is fetched.
    expect(await bytesIn(root)).toBeLessThan(20 * 1024 * 1024)
    const settings = {
      ...settingsOf(final),
      PROMPTS_DATA_DIR: data,
      PROMPTS_PORT: '0',
      PROMPTS_ALLOWED_HOSTS: 'localhost',
    }
    const [words = '[]'] = valuesOf(final, 'CMD')
    const options = { cwd: join(root, 'app'), env: environmentOf(settings) }
    const server = spawn(process.execPath, JSON.parse(words), options)
    onTestFinished(() => void server.kill('SIGKILL'))
    let log = ''
    server.stderr.on('data', (chunk: Buffer) => {
      log += chunk
    })
    const port = await waitFor(() => /"url":"[^"]+:(\d+)"/.exec(log)?.[1])
    const [health = ''] = valuesOf(final, 'HEALTHCHECK')
    const [node, ...check] = JSON.parse(health.slice(health.indexOf('['))) as string[]
    expect(node).toBe('/nodejs/bin/node')
    const healthOf = async (at: string) => {
      const child = spawn(process.execPath, check, { env: environmentOf({ ...settings, PROMPTS_PORT: at }) })
      return (await once(child, 'close'))[0]
    }
    expect(await healthOf(port)).toBe(0)
    server.kill('SIGTERM')
    expect((await once(server, 'close'))[0]).toBe(0)
    expect(await healthOf(port)).toBe(1)
  }, 120_000)
})
