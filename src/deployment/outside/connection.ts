import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { reasonOf } from '../../adapters/http/client.ts'
import { type Check, fail, note, ok } from '../check.ts'
import type { Answer } from './probe.ts'

const TIMEOUT_MS = 10_000
const DAY_MS = 86_400_000
/** Certificates that renew themselves have done so by then. */
const RENEWAL_DAYS = 21
/** `Date` counts whole seconds. */
const UNCERTAIN_MS = 1_000
const NOTED_SKEW_MS = 5_000
/** Tokens that live for minutes are refused. */
const MOST_SKEW_MS = 60_000

/** Whether nobody on the way can read or change what is said. */
export async function checkTls(url: string): Promise<Check> {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol === 'http:') return note('No TLS, which is well on this machine only')
  // An invalid certificate is looked at, too, to say what is wrong with it.
  const socket = connect({ host, port: Number(port || 443), servername: host, rejectUnauthorized: false })
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')))
  try {
    await once(socket, 'secureConnect')
    return certificateCheck(socket)
  } catch (error) {
    return fail(`No TLS connection to ${hostname}: ${reasonOf(error)}`)
  } finally {
    socket.destroy()
  }
}

function certificateCheck(socket: TLSSocket): Check {
  const { valid_from, valid_to, subjectaltname } = socket.getPeerCertificate()
  if (!socket.authorized) {
    const reason = String(socket.authorizationError)
    const advice: Record<string, string> = {
      CERT_HAS_EXPIRED: `it ended on ${valid_to}. Renew it, and have the proxy load the new one.`,
      CERT_NOT_YET_VALID: `it begins on ${valid_from}. Synchronise the clocks (NTP), of this machine too.`,
      ERR_TLS_CERT_ALTNAME_INVALID: `it is for ${subjectaltname ?? 'no host name'}. Serve one for this host name.`,
    }
    const otherwise = 'serve one of an authority that clients know, with the whole chain to it.'
    return fail(`Clients refuse the certificate (${reason}): ${advice[reason] ?? otherwise}`)
  }
  const days = Math.floor((Date.parse(valid_to) - Date.now()) / DAY_MS)
  const text = `${socket.getProtocol()}, certificate valid for ${days} days`
  return days < RENEWAL_DAYS ? note(`${text}: renew it`) : ok(text)
}

/** Whether the server's clock agrees with this one: a token counts from one time to another. */
export function checkClock({ headers, asked, answered }: Answer): Check {
  const date = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(date)) return note('No Date header, so the clocks cannot be compared')
  const early = asked - UNCERTAIN_MS - date
  const late = date - answered
  const skew = Math.max(early, late, 0)
  const seconds = Math.round(skew / 1000)
  const text = `The clocks of the server and of this machine differ by ${seconds} s`
  if (skew > MOST_SKEW_MS) {
    return fail(`${text}: tokens are refused as expired or not valid yet. Synchronise them (NTP).`)
  }
  return skew > NOTED_SKEW_MS ? note(`${text}: synchronise them (NTP)`) : ok('The clocks agree')
}
