import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const openssl = (words: string[]) => promisify(execFile)('openssl', words)

/**
 * Makes a certificate for `localhost` that is its own authority.
 *
 * @param days for which it is valid from now on; fewer than none make one that has ended.
 * @returns the files of the certificate and its key, in `folder`.
 */
export async function makeCertificate(folder: string, days: number): Promise<{ cert: string; key: string }> {
  const file = (kind: string) => join(folder, `prompts.${kind}`)
  const [cert, key, request] = [file('crt'), file('key'), file('csr')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(['req', '-new', ...kind, ...subject, '-keyout', key, '-out', request])
  // In a step of its own, because `req` makes none that has ended.
  const signing = ['-signkey', key, '-days', `${days}`, '-copy_extensions', 'copy']
  await openssl(['x509', '-req', '-in', request, ...signing, '-out', cert])
  return { cert, key }
}
