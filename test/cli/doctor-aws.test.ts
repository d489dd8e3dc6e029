import { expect, test } from 'vitest'
import { proxiedParts } from '../helpers/aws-proxies.ts'
import { runCommand, withAwsSettings } from '../helpers/command.ts'
import { denyingNth } from '../helpers/iam-actions.ts'
import { type Environment, runProgram } from '../helpers/program.ts'
import { provisionAll, secretValues } from '../helpers/provisioning.ts'
import { describeWithAws, freshNames } from '../stand-ins/aws.ts'
import { accessDenied } from '../stand-ins/faults.ts'

function doctor(settings: Environment) {
  withAwsSettings(settings)
  return runCommand(['doctor'], settings)
}

describeWithAws('the command doctor, with the aws store', (parts) => {
  test('looks at the deployment, then at what is in it', async () => {
    const { clients, environment } = await proxiedParts(parts)
    const names = freshNames()
    await provisionAll(clients, names)
    withAwsSettings(environment(names))
    expect(await runCommand(['seed'], environment(names))).toMatchObject({ code: 0 })
    const { code, stdout, stderr } = await doctor(environment(names))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, 5)).toEqual([
      `ok    Node.js ${process.version}`,
      `ok    Settings: store aws, stage ${names.stage}, 127.0.0.1:3000`,
      expect.stringContaining('Language model'),
      'ok    AWS: region us-east-1, with credentials',
      `ok    Table ${names.table} is ACTIVE and can be read and written`,
    ])
    expect(lines).toContain('ok    Topics: 6, of which active: 6')
    expect(stdout).toContain('earlier versions too')
    for (const value of await secretValues(clients, names)) expect(stdout).not.toContain(value)
  })

  test('fails where nothing is provisioned, and says what to run', async () => {
    const { environment } = await proxiedParts(parts)
    const { code, stdout, stderr } = await doctor(environment(freshNames()))
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const failures = stdout.split('\n').filter((line) => line.startsWith('fail'))
    expect(failures).toHaveLength(6)
    for (const failure of failures) expect(failure).toContain('purposepath-prompts provision')
  })

  test('tells why the program cannot start on what looks well', async () => {
    const { clients, environment, dynamodb } = await proxiedParts(parts)
    const names = freshNames()
    await provisionAll(clients, names)
    // The first one is a look at the table, the second one loads the topics.
    dynamodb.inject(denyingNth(2), { op: 'Scan', times: Infinity })
    const { code, stdout } = await doctor(environment(names))
    expect(code).toBe(1)
    const [failure, ...others] = stdout.split('\n').filter((line) => line.startsWith('fail'))
    expect(others).toEqual([])
    expect(failure).toContain('dynamodb:Scan')
    expect(stdout).not.toMatch(/^\s+at /m)
  })

  test('fails for each action that the policy lacks for writing', async () => {
    const { clients, environment, dynamodb, s3 } = await proxiedParts(parts)
    const names = freshNames()
    await provisionAll(clients, names)
    dynamodb.inject(accessDenied(), { op: /^(Update|Delete)Item$/, times: Infinity })
    s3.inject(accessDenied(), { op: /^DeleteObject$/, times: Infinity })
    const { code, stdout } = await doctor(environment(names))
    expect(code).toBe(1)
    const failures = stdout.split('\n').filter((line) => line.startsWith('fail'))
    expect(failures.map((line) => /Add (\S+) on/.exec(line)?.[1]).sort()).toEqual([
      'dynamodb:DeleteItem',
      'dynamodb:DeleteItem',
      'dynamodb:UpdateItem',
      'dynamodb:UpdateItem',
      'dynamodb:UpdateItem',
      's3:DeleteObjectVersion',
    ])
  })

  test.each([
    ['AWS_ACCESS_KEY_ID', 'no AWS credentials'],
    ['AWS_REGION', 'AWS_REGION'],
  ])('without %s it fails in one line', async (setting, said) => {
    const { environment } = await proxiedParts(parts)
    const without = { ...environment(freshNames()), [setting]: undefined, HOME: '/nowhere' }
    const settings = { ...without, AWS_EC2_METADATA_DISABLED: 'true' }
    const { code, stdout } = await runProgram(['doctor'], settings)
    expect(code).toBe(1)
    const failures = stdout.split('\n').filter((line) => line.startsWith('fail'))
    expect(failures).toHaveLength(1)
    expect(failures[0]).toContain(said)
  })
})
