import { rename } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type ApiAnswer, type ApiServer, api, kpiTopic } from '../helpers/api.ts'
import {
  errorLeaks,
  expectSilence,
  NAME,
  SECRET,
  startWithCanaries,
  TEXT,
  VALUE,
} from '../helpers/canaries.ts'
import { earlyInMinute } from '../helpers/minute.ts'
import { runProgram, waitFor } from '../helpers/program.ts'
import { ask } from '../helpers/raw.ts'

const SYSTEM = '/admin/prompts/secretive/system'
/** Requests with canaries in every place, most of them refused. Each is sent as administrator and as service. */
const REQUESTS: [line: string, body?: unknown, headers?: Record<string, string>][] = [
  [`PUT ${SYSTEM}`, { content: `${TEXT} 2 {{word}}` }],
  [`PUT ${SYSTEM}`, { content: `${TEXT} {{word}} {{nobody}} {{#open}} ${TEXT}` }],
  [`PUT ${SYSTEM}`, { content: TEXT, expected_revision: 99 }],
  [`PUT ${SYSTEM}`, { content: TEXT }, { 'if-match': '"99"' }],
  [`PUT ${SYSTEM}`, { content: TEXT }, { 'if-match': NAME }],
  [`PUT ${SYSTEM}`, { content: [TEXT], [NAME]: TEXT }],
  [`PUT ${SYSTEM}`, { content: TEXT.repeat(6_000) }],
  [`PUT ${SYSTEM}`, { content: `${TEXT}\u0000\ud800` }],
  [`PUT ${SYSTEM}`, `{"content": "${TEXT}", ${TEXT}}`],
  [`PUT ${SYSTEM}`, `{"content":"${TEXT}","content":"${TEXT}"}`],
  [`PUT ${SYSTEM}`, { content: `${TEXT} 3 {{word}}`, note: TEXT }],
  [`PUT ${SYSTEM}`, { content: TEXT, note: TEXT.repeat(50) }],
  [`PUT ${SYSTEM}`, TEXT],
  [`PUT ${SYSTEM}`, `"${TEXT}"`],
  [`PUT ${SYSTEM}`, Buffer.concat([Buffer.from(TEXT), Buffer.from([0xff])])],
  [`PUT ${SYSTEM}`, TEXT, { 'content-type': `text/${NAME}; charset=${NAME}`, 'content-encoding': NAME }],
  [`PUT ${SYSTEM}`, TEXT, { 'content-type': NAME }],
  [`PUT ${SYSTEM}?${NAME}=${VALUE}`, { content: TEXT }],
  [`PUT ${SYSTEM}`, `"${TEXT.repeat(120_000)}"`],
  [`POST ${SYSTEM}`, { content: TEXT }],
  [`POST ${SYSTEM}/preview`, { content: `${TEXT} {{word}} {{nobody}}`, parameters: { word: VALUE } }],
  [`POST ${SYSTEM}/preview`, { content: `${TEXT} {{word}}`, parameters: { word: [VALUE], count: VALUE } }],
  [`POST ${SYSTEM}/restore`, { version_id: NAME }],
  [`GET ${SYSTEM}?version_id=${NAME}`],
  ['POST /admin/prompts', kpiTopic('secretive', { prompts: { system: TEXT } })],
  ['POST /admin/prompts', kpiTopic('x', { topic_type: NAME, description: VALUE, config: { [NAME]: VALUE } })],
  ['PUT /admin/prompts/secretive', { allowed_parameters: [] }],
  ['PUT /admin/prompts/secretive', { allowed_parameters: [{ name: 'a', type: 'number', default: VALUE }] }],
  ['POST /admin/kpi-system/templates', { kpiId: NAME, systemPrompt: `${TEXT} {{#a}}`, [NAME]: VALUE }],
  ['POST /prompts/secretive/render', { parameters: { word: VALUE, count: 1 } }],
  ['POST /prompts/secretive/render', { parameters: { word: { a: VALUE }, count: VALUE, [NAME]: VALUE } }],
  ['POST /prompts/batch', { topic_ids: [NAME, 'secretive'], [NAME]: VALUE }],
  ['POST /prompts/batch', { topic_ids: [NAME, 'secretive'] }],
  [`GET /prompts?q=${VALUE}&cursor=${VALUE}&limit=${VALUE}&is_active=${VALUE}`],
  [`GET /prompts?${NAME}=${VALUE}`],
  [`GET /prompts/${NAME}`],
  [`GET /prompts/%zz${NAME}`],
  [`GET /${NAME}?${VALUE}`],
  [`PATCH ${SYSTEM}?${VALUE}`, { content: TEXT }],
  ['GET /prompts', undefined, { origin: `https://${NAME}.example` }],
  ['GET /prompts', undefined, { host: `${NAME}.example` }],
  ['GET /prompts', undefined, { 'x-forwarded-for': NAME, 'user-agent': NAME, cookie: NAME, referer: NAME }],
]

/** Credentials that nobody has. */
function wrongCredentials({ key, token }: ApiServer): Record<string, string>[] {
  const [header = '', , signature = ''] = token.split('.')
  const claims = Buffer.from(JSON.stringify({ sub: SECRET, email: SECRET, role: SECRET })).toString(
    'base64url',
  )
  return [
    { 'x-api-key': SECRET },
    { 'x-api-key': `ppath_svc_dev_${SECRET}` },
    { 'x-api-key': `${key}${SECRET}` },
    { authorization: `Bearer ${SECRET}` },
    { authorization: `Basic ${SECRET}` },
    { authorization: `Bearer ${header}.${claims}.${signature}` },
    { authorization: `Bearer ${token}${SECRET}` },
    { authorization: `Bearer ${token}`, 'x-api-key': SECRET },
    { cookie: `purposepath_session=${SECRET}` },
    { cookie: `purposepath_session=${SECRET}; purposepath_session=${SECRET}` },
  ]
}

/** Signs a browser in. */
async function signIn({ url, settings }: ApiServer): Promise<{ code: string; cookie: string }> {
  const { stdout } = await runProgram(['login', '--port', new URL(url).port], settings)
  const { status, headers } = await ask(stdout.trim())
  expect(status).toBe(303)
  const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  return { code: stdout.split('code=')[1]?.trim() ?? '', cookie }
}

test('a server tells no text, no value and no secret, whatever it is asked and however it fails', async () => {
  const server = await startWithCanaries()
  const [greeting, answers] = [server.stdout(), [] as ApiAnswer[]]
  const { code, cookie } = await signIn(server)
  for (const [line, body, headers = {}] of REQUESTS) {
    for (const send of [server.admin, server.service]) {
      answers.push(await send(line, { ...(body !== undefined && { body }), headers }))
    }
  }
  for (const headers of wrongCredentials(server)) {
    answers.push(await api(server, `PUT ${SYSTEM}`, { body: { content: TEXT }, headers }))
  }
  answers.push(await api(server, `PUT ${SYSTEM}`, { body: { content: TEXT }, headers: { cookie } }))
  const foreign = { cookie, origin: `http://${NAME}.localhost` }
  answers.push(await api(server, `PUT ${SYSTEM}`, { body: { content: TEXT }, headers: foreign }))
  for (const wrong of [code, SECRET]) {
    const { text } = await ask(`${server.url}/admin/sign-in?code=${wrong}`)
    expect({ told: errorLeaks([text]), code: text.includes(code) }).toEqual({ told: [], code: false })
  }
  await rename(server.folder, `${server.folder}-away`)
  await waitFor(async () => {
    const answer = await server.admin(`PUT ${SYSTEM}`, { body: { content: `${TEXT} away` } })
    answers.push(answer)
    return answer.json.code === 'unavailable'
  })
  await rename(`${server.folder}-away`, server.folder)
  expect([...new Set(answers.map(({ json }) => json.code ?? ''))].sort()).toEqual([
    '',
    ...['conflict', 'forbidden', 'invalid_input', 'method_not_allowed', 'not_found', 'too_large'],
    ...['unauthenticated', 'unavailable'],
  ])
  const problems = answers.filter(({ json }) => json.code !== undefined)
  expect(errorLeaks(problems.map(({ text }) => text))).toEqual([])
  const cookieValue = cookie.split('=')[1] ?? ''
  await expectSilence(server, greeting, [server.key, server.token, code, cookieValue])
})

test('a spent allowance is told without telling what was asked', async () => {
  const limits = { PROMPTS_LIMIT_ADMIN: '1', PROMPTS_LIMIT_RETRIEVAL: '1', PROMPTS_LIMIT_AUTH_FAILURES: '1' }
  const server = await startWithCanaries(limits)
  await earlyInMinute()
  const greeting = server.stdout()
  const body = { parameters: { word: VALUE } }
  for (const send of [server.admin, server.service]) {
    await send('POST /prompts/secretive/render', { body })
    const refused = await send('POST /prompts/secretive/render', { body })
    expect({ code: refused.json.code, told: errorLeaks([refused.text]) }).toEqual({
      code: 'rate_limited',
      told: [],
    })
  }
  for (const headers of wrongCredentials(server)) {
    const refused = await api(server, 'GET /prompts', { headers })
    expect(errorLeaks([refused.text])).toEqual([])
  }
  await expectSilence(server, greeting, [server.key, server.token])
})
