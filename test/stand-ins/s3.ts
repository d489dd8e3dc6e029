import { fileURLToPath } from 'node:url'
import { freePort, startTied, type TiedServer } from './tied-server.ts'

const SCRIPT = fileURLToPath(new URL('ceph-rgw.sh', import.meta.url))

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** Starts a Ceph RADOS Gateway, in memory, with one user who has these credentials. It wants addresses by path. */
export async function startS3({ accessKeyId, secretAccessKey }: Credentials): Promise<TiedServer> {
  const [monitorPort, port] = [await freePort(), await freePort()]
  const command = [SCRIPT, `${monitorPort}`, `${port}`, accessKeyId, secretAccessKey]
  return startTied(command, `http://127.0.0.1:${port}`, 'x-amz-request-id')
}
