import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { type ProxiedParts, proxiedParts } from '../helpers/aws-proxies.ts'
import { runCommand, withAwsSettings } from '../helpers/command.ts'
import { tempFolder } from '../helpers/folders.ts'
import { type Environment, environmentOf, PROGRAM } from '../helpers/program.ts'
import { allSteps, expectComplete, provisionAll, secretValues, wordsOf } from '../helpers/provisioning.ts'
import { describeWithAws, freshNames } from '../stand-ins/aws.ts'
import { accessDenied } from '../stand-ins/faults.ts'

test('with the files store there is nothing to provision', async () => {
  const { code, stdout, stderr } = await runCommand(['provision'], { PROMPTS_DATA_DIR: await tempFolder() })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('PROMPTS_STORE=aws')
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

function provision(settings: Environment, ...words: string[]) {
  withAwsSettings(settings)
  return runCommand(['provision', ...words], settings)
}

describeWithAws('the command provision', (parts) => {
  test('prints a line for each thing, and then what comes next', async () => {
    const proxied = await proxiedParts(parts)
    const names = freshNames()
    const first = await provision(proxied.environment(names))
    expect(first.code).toBe(0)
    const lines = first.stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(allSteps('created').length)
    expect(lines[0]).toBe(`created        table ${names.table}`)
    expect(lines[4]).toMatch(/^not supported {2}table .*: point-in-time recovery \(.+\)$/)
    for (const word of ['seed', 'serve', 'keys create --name', names.apiKeySecret]) {
      expect(first.stderr).toContain(word)
    }
    const values = await secretValues(proxied.clients, names)
    for (const value of values) expect(first.stdout + first.stderr).not.toContain(value)

    const again = await provision(proxied.environment(names), '--json')
    expect(again.code).toBe(0)
    expect(wordsOf(JSON.parse(again.stdout).data)).toEqual(allSteps('already there'))
  })

  test('what is not permitted is one line with the action to add, after what was done', async () => {
    const { environment, dynamodb } = await proxiedParts(parts)
    const names = freshNames()
    dynamodb.inject(accessDenied(), { op: 'UpdateTimeToLive' })
    const { code, stdout, stderr } = await provision(environment(names), '--json')
    expect(code).toBe(1)
    expect(wordsOf(JSON.parse(stdout).data)).toEqual(allSteps('created').slice(0, 6))
    expect(JSON.parse(stderr).detail).toMatch(/Add dynamodb:UpdateTimeToLive on table \S+-limits/)
  })

  test('what belongs to another account is a conflict', async () => {
    const { environment, s3 } = await proxiedParts(parts)
    s3.inject(accessDenied(), { op: /^HEAD/ })
    const { code, stderr } = await provision(environment(freshNames()))
    expect(code).toBe(5)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('PROMPTS_BUCKET')
  })

  test('an endpoint that is dead ends it within seconds, with one line', async () => {
    const { environment } = await proxiedParts(parts)
    const settings = { ...environment(freshNames()), AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }
    const begin = performance.now()
    const { code, stdout, stderr } = await provision(settings)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('ECONNREFUSED')
    expect(performance.now() - begin).toBeLessThan(10_000)
  })

  test('whatever a killed run has left, the next one completes', { timeout: 600_000 }, async () => {
    const whole = await proxiedParts(parts)
    expect(await provision(whole.environment(freshNames()))).toMatchObject({ code: 0 })
    const writes = whole.writes().length
    expect(writes).toBeGreaterThan(8)

    // What is left after a write is what is left before the next; a read leaves nothing behind.
    for (let nth = 1; nth <= writes; nth++) await killAndComplete(whole, 'beforeForward', nth)
    await killAndComplete(whole, 'afterForward', writes)
  })
})

const isWrite = (op: string) => /^(Create|Update|Put|PUT )/.test(op)

/** Kills a first run at its `nth` write, then runs it again and looks at what there is. */
async function killAndComplete(
  { proxies, environment, clients }: ProxiedParts,
  hook: 'beforeForward' | 'afterForward',
  nth: number,
): Promise<void> {
  const names = freshNames()
  const child = spawn(process.execPath, [PROGRAM, 'provision'], {
    env: environmentOf(environment(names)),
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  let seen = 0
  for (const proxy of proxies) {
    proxy.reset()
    proxy[hook] = async (op) => {
      if (!isWrite(op) || ++seen !== nth) return
      child.kill('SIGKILL')
      await ended
      throw new Error('nobody is there to hear the answer')
    }
  }
  const [code] = await ended
  // A slow machine makes the program look at its table once more, or once less.
  expect(code, `${hook} of call ${nth}`).toBe(seen < nth ? 0 : null)
  for (const proxy of proxies) proxy.reset()
  await provisionAll(clients, names)
  await expectComplete(clients, names)
}
