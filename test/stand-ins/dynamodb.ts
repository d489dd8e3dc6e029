import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { freePort, startTied, type TiedServer } from './tied-server.ts'

// The npm package brings Amazon's own DynamoDB Local; the wrapper around it goes unused, and so do the two large
// dependencies of that wrapper which `overrides` in package.json replaces.
const require = createRequire(import.meta.url)
const EMULATOR = join(dirname(require.resolve('amplify-dynamodb-simulator/package.json')), 'emulator')

/** Starts DynamoDB Local. Its tables are in memory and the same for every region and access key. */
export async function startDynamoDb(): Promise<TiedServer> {
  const port = await freePort()
  const java = ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m']
  const libraries = `-Djava.library.path=${join(EMULATOR, 'DynamoDBLocal_lib')}`
  const jar = ['-jar', join(EMULATOR, 'DynamoDBLocal.jar')]
  const options = ['-disableTelemetry', '-sharedDb', '-inMemory', '-port', `${port}`]
  const endpoint = `http://127.0.0.1:${port}`
  return startTied([...java, libraries, ...jar, ...options], endpoint, 'x-amzn-requestid')
}
