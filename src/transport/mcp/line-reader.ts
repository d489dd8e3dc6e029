const LINE_FEED = 10

/**
 * Cuts what a stream sends into lines; they may be split over chunks anywhere.
 *
 * @param maxBytes most bytes of a line. Of a longer one nothing is kept, and it costs that line alone.
 * @param onLine called with each line, without its line feed; `undefined` for one that is too long.
 * @example
 * const lines = createLineReader(1_000, (line) => console.log(line?.toString() ?? 'too long'))
 * input.on('data', lines.read)
 * input.on('end', lines.end)
 */
export function createLineReader(
  maxBytes: number,
  onLine: (line: Buffer | undefined) => void,
): { read(chunk: Buffer): void; end(): void } {
  let parts: Buffer[] = []
  let length = 0

  function keep(part: Buffer): void {
    length += part.length
    if (length <= maxBytes) parts.push(part)
    else parts = []
  }

  function finishLine(): void {
    const line = length > maxBytes ? undefined : Buffer.concat(parts, length)
    parts = []
    length = 0
    onLine(line)
  }

  return {
    read(chunk) {
      let start = 0
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
        keep(chunk.subarray(start, end))
        start = end + 1
        finishLine()
      }
      keep(chunk.subarray(start))
    },
    /** A last line needs no line feed. */
    end() {
      if (length > 0) finishLine()
    },
  }
}
