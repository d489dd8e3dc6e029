import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'

const compress = promisify(brotliCompress)

/** Writes `NAME.br` beside each file that is text, for browsers that take it: the server compresses nothing itself. */
export async function compressAssets(folder) {
  const names = (await readdir(folder)).filter((name) => /\.(css|js|json|svg)$/.test(name))
  await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      await writeFile(`${path}.br`, await compress(await readFile(path)))
    }),
  )
}
