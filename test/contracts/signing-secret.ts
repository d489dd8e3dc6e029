import { expect, it } from 'vitest'
import type { SigningSecret } from '../../src/domain/tokens.ts'
import { failureOf } from '../helpers/errors.ts'

/** A secret, and what an operator does where it is kept. */
export interface KeptSecret {
  secret: SigningSecret
  /** Writes the first text, or the next one. */
  write(text: string): Promise<unknown>
  /** Lets the time pass after which a new text counts. */
  passTime(): unknown
  /** Puts the store out of reach, until what is returned is called. */
  outage(): Promise<() => unknown>
}

export const textOf = (secret: Uint8Array | undefined) => secret && Buffer.from(secret).toString()

const LONG = 'CANARY-SECRET of more than thirty-two bytes'

/** What every store of a signing secret promises. `open` returns an empty one. */
export function signingSecretContract(open: () => Promise<KeptSecret>): void {
  it('has none before there is one', async () => {
    const { secret } = await open()
    expect(await secret.current()).toBeUndefined()
  })

  it('is the text that is kept', async () => {
    const { secret, write } = await open()
    await write(LONG)
    expect(textOf(await secret.obtain())).toBe(LONG)
    expect(textOf(await secret.current())).toBe(LONG)
  })

  it('is the new text in time', async () => {
    const { secret, write, passTime } = await open()
    await write(LONG)
    await secret.obtain()
    await write(`new ${LONG}`)
    await passTime()
    expect(textOf(await secret.obtain())).toBe(`new ${LONG}`)
    expect(textOf(await secret.current())).toBe(`new ${LONG}`)
  })

  it('outlives an outage of its store', async () => {
    const { secret, write, passTime, outage } = await open()
    await write(LONG)
    await secret.obtain()
    const endOutage = await outage()
    await passTime()
    expect(textOf(await secret.obtain())).toBe(LONG)
    expect(textOf(await secret.current())).toBe(LONG)
    await endOutage()
  })

  it('is unavailable while it is too short, and not told', async () => {
    const { secret, write, passTime } = await open()
    await write('CANARY')
    for (const read of [() => secret.obtain(), () => secret.current()]) {
      const error = await failureOf(read)
      expect(error.code).toBe('unavailable')
      expect(`${error.message} ${error.operatorMessage}`).not.toContain('CANARY')
    }
    await write(LONG)
    await passTime()
    await secret.current()
    expect(textOf(await secret.current())).toBe(LONG)
  })
}
