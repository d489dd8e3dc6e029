/** How well a client can read a media type. */
interface Match {
  /** 0: not at all. */
  quality: number
  /** 0: by a range such as `text/*`, or because nothing is said; 1: the type is named. */
  isNamed: boolean
}

/** One media range with its parameters; a quoted parameter may hold commas. */
const RANGE = /(?:"(?:\\.|[^"\\])*"|[^,])+/g
const QUALITY = /;\s*q\s*=\s*([\d.]+)/i

/** What `Accept` says of a media type (RFC 9110, section 12.5.1): the most specific range counts. */
function matchOf(accept: string | undefined, type: string): Match {
  if (accept === undefined || accept.trim() === '') return { quality: 1, isNamed: false }
  // From the least specific to the most specific.
  const candidates = ['*/*', `${type.split('/')[0]}/*`, type]
  let best = -1
  let quality = 0
  for (const range of accept.match(RANGE) ?? []) {
    const specificity = candidates.indexOf((range.split(';', 1)[0] as string).trim().toLowerCase())
    if (specificity === -1 || specificity < best) continue
    best = specificity
    const [, text] = QUALITY.exec(range) ?? []
    quality = text === undefined ? 1 : Number(text) || 0
  }
  return { quality, isNamed: best === candidates.length - 1 }
}

/** The forms of an answer that a client can read. */
export interface AcceptedForms {
  json: boolean
  /** Server-sent events. */
  events: boolean
}

/** Which of JSON and server-sent events a client can read. */
export function acceptedForms(accept: string | undefined): AcceptedForms {
  return {
    json: matchOf(accept, 'application/json').quality > 0,
    events: matchOf(accept, 'text/event-stream').quality > 0,
  }
}

/** Whether a client asks for a page by name, as browsers do when a person opens an address. */
export function asksForPage(accept: string | undefined): boolean {
  const { quality, isNamed } = matchOf(accept, 'text/html')
  return quality > 0 && isNamed
}

/** Whether a client asks for server-sent events: by name, or because it can read nothing else. */
export function asksForEvents(accept: string | undefined): boolean {
  if (accept === undefined) return false
  const { quality, isNamed } = matchOf(accept, 'text/event-stream')
  return quality > 0 && (isNamed || !acceptedForms(accept).json)
}
