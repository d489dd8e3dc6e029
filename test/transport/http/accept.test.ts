import { expect, test } from 'vitest'
import { acceptedForms, asksForEvents } from '../../../src/transport/http/accept.ts'

test.each([
  [undefined, true, true],
  ['', true, true],
  ['*/*', true, true],
  ['application/json, text/event-stream', true, true],
  ['Application/JSON , TEXT/Event-Stream', true, true],
  ['application/*, text/*;q=0.5', true, true],
  ['application/json', true, false],
  ['application/json;charset=utf-8', true, false],
  ['text/event-stream', false, true],
  ['text/*', false, true],
  ['*/*, text/event-stream;q=0', true, false],
  ['text/event-stream; Q=0.0, */*;q=0.1', true, false],
  ['application/json;q=0, */*', false, true],
  ['application/json;note="a,b;c";q=0.2', true, false],
  ['text/html', false, false],
  ['application/jsonp, text/event-streams', false, false],
  ['*/*;q=0', false, false],
])('of %j JSON is accepted: %s, events: %s', (accept, json, events) =>
  expect(acceptedForms(accept)).toEqual({ json, events }),
)

test.each([
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['text/event-stream;q=0, */*', false],
  ['application/json, Text/Event-Stream', true],
  ['text/*', true],
])('for %j REST sends events: %s', (accept, events) => expect(asksForEvents(accept)).toBe(events))
