import { connect, type Socket } from 'node:net'

/**
 * Opens a connection, lets `talk` write to it, and waits until the server hangs up, at most `timeoutMs`.
 *
 * @returns everything that the server sent, and whether it hung up.
 */
export function converse(
  { url }: { url: string },
  talk: (socket: Socket) => void | Promise<void>,
  timeoutMs = 5_000,
): Promise<{ text: string; ended: boolean }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname)
    const finish = (ended: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, ended })
    }
    const timer = setTimeout(() => finish(false), timeoutMs)
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    // A server that hangs up while we still write resets the connection.
    socket.on('error', () => {})
    socket.on('close', () => finish(true))
    socket.on('connect', () => void talk(socket))
  })
}

/** Status and problem code of each answer in what a server sent. */
export function answersIn(text: string): { status: number; type: string; code: string | undefined }[] {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((one) => one !== '')
    .map((one) => ({
      status: Number(/^HTTP\/1\.1 (\d{3})/.exec(one)?.[1]),
      type: /\r\ncontent-type: ([^\r;]+)/i.exec(one)?.[1] ?? '',
      code: /"code":"(\w+)"/.exec(one)?.[1],
    }))
}

/** Settles when `socket` takes more to write, or is closed. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}
