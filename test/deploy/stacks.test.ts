import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { describeWithCdk, goldenPath, synthesized } from '../helpers/cdk.ts'
import { tempFolder } from '../helpers/folders.ts'
import { environmentOf, runProgram, waitFor } from '../helpers/program.ts'

const PUBLIC = { PROMPTS_PUBLIC_URL: 'https://prompts.example.com', alarmEmail: 'operator@example.com' }
/** Settings that are secrets, in a secret of another name than the usual. */
const WITH_SECRETS = { PROMPTS_SETTINGS_SECRET: 'settings-of-example' }
const certificateArn = 'arn:aws:acm:eu-central-1:111122223333:certificate/one'

/** A template as its golden file has it: what a change of the program's code changes is left out. */
function stable(template: object): string {
  const text = JSON.stringify(template, null, 2)
  return `${text.replace(/[0-9a-f]{64}/g, '{hash}').replace(/(CodeCopy)[0-9a-f]{9}[0-9A-F]{8}/g, '$1{hash}')}\n`
}

describeWithCdk('the stacks of AWS', () => {
  const webFunction = synthesized({ ...PUBLIC, previousRevision: 'earlier', percent: '10' })
  const fargate = synthesized({ ...PUBLIC, ...WITH_SECRETS, kind: 'fargate', certificateArn })

  it('are what their golden files show', async () => {
    await expect(stable(webFunction.data)).toMatchFileSnapshot(goldenPath('data'))
    await expect(stable(webFunction.service)).toMatchFileSnapshot(goldenPath('web-function'))
    await expect(stable(fargate.service)).toMatchFileSnapshot(goldenPath('fargate'))
    expect(stable(fargate.data)).toBe(stable(webFunction.data))
  })

  it('leave no finding of cdk-nag', () => expect([webFunction.findings, fargate.findings]).toEqual([[], []]))

  it('upload the rotation alone, in one file', () =>
    expect(webFunction.assets.map((folder) => readdirSync(folder))).toContainEqual(['rotation-lambda.mjs']))

  it('upload a Web Function that starts where Lambda tells it to', async () => {
    const code = webFunction.assets.find((folder) => existsSync(join(folder, 'deploy/web-function.js')))
    const endpoint = `127.0.0.1:${await freePort()}`
    const data = { PROMPTS_DATA_DIR: await tempFolder() }
    expect(await runProgram(['seed'], data)).toMatchObject({ code: 0 })
    // Lambda's runtime imports the file; the arguments are its own.
    const words = [
      '-e',
      `import(${JSON.stringify(`${code}/deploy/web-function.js`)})`,
      'of',
      'the',
      'runtime',
    ]
    const env = environmentOf({
      ...data,
      AWS_LAMBDA_HTTP_ENDPOINT: endpoint,
      PROMPTS_ALLOWED_HOSTS: 'localhost',
    })
    const server = spawn(process.execPath, words, { env, stdio: 'ignore' })
    onTestFinished(() => void server.kill('SIGKILL'))
    const isReady = () =>
      fetch(`http://${endpoint}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await waitFor(isReady)
    server.kill('SIGTERM')
    expect(await once(server, 'exit')).toEqual([0, null])
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => void server.close(resolve))
  return port
}
