/** What further values of a label are counted as. */
const OTHER = '_other'

/**
 * The values of a label, up to a fixed number: callers choose them, and must not decide how many series there are.
 *
 * @returns the value itself for the first `most` values, `_other` for those that come after them.
 * @example
 * const topicOf = boundedLabel(200)
 * retrievals.inc({ topic: topicOf(topic_id) })
 */
export function boundedLabel(most: number): (value: string) => string {
  const known = new Set<string>()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= most) return OTHER
    known.add(value)
    return value
  }
}
