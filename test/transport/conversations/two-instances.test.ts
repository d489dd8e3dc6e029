import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import { describe, expect, test } from 'vitest'
import { dataOf, expectProblem } from '../../helpers/api.ts'
import { type AtEnd, shared } from '../../helpers/at-end.ts'
import { ANSWER, type CoachClient, coachClient, type Message, sharedModel } from '../../helpers/coaching.ts'
import { runCommand, withAwsSettings } from '../../helpers/command.ts'
import { tempFolder } from '../../helpers/folders.ts'
import { type Environment, type RunningServer, startServer, waitFor } from '../../helpers/program.ts'
import { describeWithAws, environmentFor, freshNames } from '../../stand-ins/aws.ts'
import { hangs, says } from '../../stand-ins/openai-replies.ts'

const MESSAGES = 10
/** After a crash a turn can be asked again within this. */
const UNLOCKED_MS = 15_000
const TIMEOUT = 90_000

const llm = sharedModel()

/** Two servers over one store, and Ana at each of them. */
async function startTwo(settings: Environment, atEnd: AtEnd) {
  const all = { ...llm.settings, ...settings }
  const servers = await Promise.all([startServer(all, atEnd), startServer(all, atEnd)])
  const words = ['token', '--role', 'user', '--sub', 'ana', '--tenant', 'acme']
  const { stdout, code, stderr } = await runCommand(words, all)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const [one, other] = servers.map((server) => coachClient(server, stdout.trim()))
  return { servers, one: one as CoachClient, other: other as CoachClient }
}

const said = (messages: readonly Message[]) =>
  messages.map(({ turn, role, content }) => `${turn} ${role} ${content}`)

/** @param open makes an empty store. The last test kills one of the servers. */
function instanceTests(conversations: number, open: (atEnd: AtEnd) => Promise<Environment>): void {
  const two = shared(async (atEnd) => startTwo(await open(atEnd), atEnd))

  test(
    'a turn is waited for and cancelled from the other instance',
    async () => {
      const { one, other } = two
      const id = await one.start()
      const key = { 'idempotency-key': 'k' }
      llm.model.script(says(ANSWER, { size: 4, everyMs: 100 }))
      const first = one.sayForEvents(id, 'Hello', key)
      await waitFor(() => first.textOf() !== '')
      expectProblem(await other.say(id, 'Bye'), 409, 'conflict')
      const elsewhere = await other.say(id, 'Hello', key)
      await first.ended
      expect(elsewhere.json).toEqual(first.events.at(-1)?.data)
      expect(llm.model.chats).toHaveLength(1)

      llm.model.script(hangs())
      const hanging = one.say(id, 'Next')
      await waitFor(() => llm.model.chats.length === 2)
      expect(dataOf(await other.ask(`POST /conversations/${id}/cancel`))).toMatchObject({ cancelled: true })
      // Its own instance hears of it when it renews the lease.
      expectProblem(await hanging, 409, 'conflict')
      await waitFor(() => llm.model.chats[1]?.outcome === 'abandoned')
      expect(dataOf(await one.say(id, 'Next'))).toMatchObject({ message: { turn: 2 } })
    },
    TIMEOUT,
  )

  test(
    `${conversations} conversations of ${MESSAGES} messages each: nothing is lost, doubled or out of order`,
    async () => {
      const { servers, one, other } = two
      let answered = 0
      llm.model.always((chat) => says(`answer ${++answered}`)(chat))
      const ids = await pMap(Array(conversations).fill(0), () => one.start(), { concurrency: 20 })
      /** Sends every message twice with its key, as clients do that lost a connection. */
      const sayAll = async (client: CoachClient, id: string, name: string) => {
        for (let at = 1; at <= MESSAGES / 2; at++) {
          const headers = { 'idempotency-key': `${name}${at}`, prefer: 'wait=30' }
          const answers = await Promise.all([1, 2].map(() => client.say(id, `${name}${at}`, headers)))
          const failures = answers.filter(({ status }) => status !== 200)
          expect(failures.map(({ status, text }) => `${status} ${text}`)).toEqual([])
          expect(answers[0]?.text).toBe(answers[1]?.text)
        }
      }
      await pMap(ids, (id) => Promise.all([sayAll(one, id, 'a'), sayAll(other, id, 'b')]), {
        // A quarter of them, four messages to each: the store of a busy machine keeps up with that.
        concurrency: Math.ceil(conversations / 4),
      })
      const seen = new Set<string>()
      for (const id of ids) {
        const { messages } = await other.get(id)
        expect(messages.map(({ turn, role }) => `${turn} ${role}`)).toEqual(
          Array.from(
            { length: 2 * MESSAGES },
            (_, at) => `${(at >> 1) + 1} ${at % 2 === 0 ? 'user' : 'assistant'}`,
          ),
        )
        for (const name of ['a', 'b']) {
          const own = messages.filter(({ role, content }) => role === 'user' && content.startsWith(name))
          expect(own.map(({ content }) => content)).toEqual([1, 2, 3, 4, 5].map((at) => `${name}${at}`))
        }
        for (const { role, content } of messages) if (role === 'assistant') seen.add(content)
      }
      expect([seen.size, answered]).toEqual([MESSAGES * conversations, MESSAGES * conversations])
      for (const { body } of llm.model.chats) {
        const roles = body.messages.map(({ role }) => role).slice(1)
        expect(roles).toEqual(roles.map((_, at) => (at % 2 === 0 ? 'user' : 'assistant')))
      }
      for (const { stderr } of servers) expect(stderr()).not.toMatch(/"level":(50|60)/)
    },
    TIMEOUT,
  )

  test(
    'kill -9 in every phase of turns: all are whole, and asked again with their keys within 15 s',
    async () => {
      const { servers, one, other } = two
      const ids = await pMap(Array(24).fill(0), () => one.start(), { concurrency: 8 })
      for (const id of ids) await one.say(id, 'before')
      llm.model.always(says(ANSWER, { size: 8, everyMs: 25 }))
      const asked = ids.map(async (id, at) => {
        await sleep(at * 12)
        await one.say(id, 'Hello', { 'idempotency-key': 'k' }).catch(() => {})
      })
      // By now some are stored, some at work, some on their way.
      await sleep(24 * 12 * 0.8)
      await (servers[0] as RunningServer).stop('SIGKILL')
      await Promise.all(asked)
      const killedAt = performance.now()
      const states = await Promise.all(ids.map(async (id) => said((await other.get(id)).messages).slice(2)))
      for (const state of states)
        expect(['2 user Hello', `2 assistant ${ANSWER}`].join()).toContain(state.join())
      // The kill has met them in more than one phase.
      expect(new Set(states.map(({ length }) => length)).size).toBeGreaterThan(1)
      await Promise.all(
        ids.map(async (id) => {
          const answer = await other.say(id, 'Hello', { 'idempotency-key': 'k' })
          expect(answer.status).toBe(200)
          expect(said((await other.get(id)).messages).slice(2)).toEqual([
            '2 user Hello',
            `2 assistant ${ANSWER}`,
          ])
        }),
      )
      expect(performance.now() - killedAt).toBeLessThan(UNLOCKED_MS)
    },
    TIMEOUT,
  )
}

describe('two instances over one data folder', () => {
  instanceTests(100, async (atEnd) => ({ PROMPTS_DATA_DIR: await tempFolder(atEnd) }))
})

describeWithAws('two instances on one stage', (parts) => {
  instanceTests(30, async (atEnd) => {
    const settings = environmentFor(parts, freshNames())
    withAwsSettings(settings, atEnd)
    for (const word of ['provision', 'seed']) {
      const { code, stderr } = await runCommand([word], settings)
      expect({ code, stderr }).toMatchObject({ code: 0 })
    }
    return settings
  })
})
