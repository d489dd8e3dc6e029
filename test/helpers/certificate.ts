import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Makes a certificate for `localhost` that is its own authority.
 *
 * @returns the files of the certificate and its key, in `folder`.
 */
export async function makeCertificate(folder: string, days: number): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, 'prompts.crt'), join(folder, 'prompts.key')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', key, '-out', cert]
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...subject, '-days', `${days}`, ...files])
  return { cert, key }
}
