import { expect, it } from 'vitest'
import type { SignInCodes } from '../../src/domain/sign-in.ts'
import type { Clock } from '../../src/util/time.ts'

/** Two processes on one store. */
export interface TwoSides {
  codes: SignInCodes
  others: SignInCodes
  /** Everything that the store holds, names too, as one text. */
  stored(): Promise<string>
}

/** What every store of sign-in codes promises. `open` returns an empty one. */
export function signInCodesContract(open: (clock: Clock) => Promise<TwoSides>): void {
  async function opened() {
    const time = { now: Date.parse('2026-01-01T00:00:00Z') }
    return { time, ...(await open(() => new Date(time.now))) }
  }

  it('takes a code once, in whichever process', async () => {
    const { codes, others } = await opened()
    const code = await codes.issue('anna')
    expect(await others.redeem(code)).toEqual({ subject: 'anna' })
    expect(await codes.redeem(code)).toBeUndefined()
    expect(await others.redeem(code)).toBeUndefined()
  })

  it('lets just one of many win who redeem a code at the same time', async () => {
    const { codes, others } = await opened()
    const code = await codes.issue('anna')
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? codes : others).redeem(code)),
    )
    expect(all.filter((found) => found !== undefined)).toEqual([{ subject: 'anna' }])
  })

  it('knows whose each code is, whatever the name', async () => {
    const { codes, others } = await opened()
    const subjects = ['anna', 'anna', 'ben@example.com', 'é \u{1f600}', ' ']
    const issued = await Promise.all(subjects.map((subject) => codes.issue(subject)))
    expect(new Set(issued).size).toBe(subjects.length)
    expect(await Promise.all(issued.map((code) => others.redeem(code)))).toEqual(
      subjects.map((subject) => ({ subject })),
    )
  })

  it('ends a code after 10 minutes', async () => {
    const { codes, others, time } = await opened()
    const [early, late, forgotten] = [
      await codes.issue('anna'),
      await codes.issue('ben'),
      await codes.issue('c'),
    ]
    time.now += 10 * 60_000 - 1
    const fresh = await codes.issue('dora')
    expect(await others.redeem(early)).toEqual({ subject: 'anna' })
    time.now += 1
    expect(await codes.redeem(late)).toBeUndefined()
    time.now += 60_000
    expect(await others.redeem(forgotten)).toBeUndefined()
    expect(await others.redeem(fresh)).toEqual({ subject: 'dora' })
  })

  it('holds no code that a reader could use', async () => {
    const { codes, stored } = await opened()
    const code = await codes.issue('anna')
    expect(await stored()).toContain('anna')
    expect(await stored()).not.toContain(code)
    await codes.redeem(code)
    expect(await stored()).not.toContain('anna')
  })

  it('takes no other text for a code', async () => {
    const { codes } = await opened()
    const code = await codes.issue('anna')
    const texts = ['', 'x', '../keys', '..%2fkeys', '\0', 'x'.repeat(10_000), ` ${code}`, code.slice(1)]
    for (const wrong of texts) expect(await codes.redeem(wrong)).toBeUndefined()
    expect(await codes.redeem(code)).toEqual({ subject: 'anna' })
  })
}
