import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { toAppError } from '../../../src/domain/errors.ts'
import { registerErrorHandlers } from '../../../src/transport/http/problems.ts'

test('a defect is reported once: by the pipeline if it was in it, else here', async () => {
  const reported: unknown[] = []
  const app = fastify()
  registerErrorHandlers(app, {
    observe: () => {},
    reportDefect: (error) => reported.push(error),
    publicUrl: undefined,
  })
  const defect = new TypeError('password=hunter2')
  app.get('/in-pipeline', () => {
    const failure = toAppError(defect)
    failure.isAudited = true
    throw failure
  })
  app.get('/after-pipeline', () => {
    throw defect
  })
  app.get('/before-pipeline', () => {
    throw toAppError(defect)
  })
  const reportsOf = async (url: string) => {
    reported.length = 0
    const { statusCode, body } = await app.inject(url)
    expect({ statusCode, tells: body.includes('hunter2') }).toEqual({ statusCode: 500, tells: false })
    return reported.length
  }
  expect(await reportsOf('/in-pipeline')).toBe(0)
  expect(await reportsOf('/after-pipeline')).toBe(1)
  expect(await reportsOf('/before-pipeline')).toBe(1)
})
