import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { linesOf } from '../../src/cli/lines.ts'
import { failureOf } from '../helpers/errors.ts'

async function linesIn(...pieces: (string | number[])[]): Promise<string[]> {
  const lines: string[] = []
  const input = Readable.from(pieces.map((piece) => Buffer.from(piece as string)))
  for await (const line of linesOf(input)) lines.push(line)
  return lines
}

test('pieces may end anywhere, and the last line needs no line feed', async () => {
  expect(await linesIn([0xef, 0xbb], [0xbf, 0x68, 0xc3], [0xa4, 0x0d], '\nx\u2028y\n', '\nlast')).toEqual([
    'hä',
    'x\u2028y',
    '',
    'last',
  ])
  expect(await linesIn()).toEqual([])
})

test.each([[[0x68, 0xff, 0x0a]], [[0x68, 0x0a, 0xc3]]])('invalid UTF-8 is refused: %j', async (bytes) => {
  expect(await failureOf(() => linesIn(bytes))).toMatchObject({ code: 'invalid_input' })
})
