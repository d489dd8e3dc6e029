import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { type ExportResult, ExportResultCode, parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import packageJson from '../../../package.json' with { type: 'json' }
import type { CallEvent, CallOrigin, Observer } from '../../domain/telemetry.ts'
import { providerName } from './conventions.ts'
import { isServerFault } from './error-type.ts'
import { callFacts, modelFacts } from './span-facts.ts'

/** How often spans are delivered; a process that is killed loses those that wait. */
const DELIVER_MS = 1_000
/** Time for one export, and for the last one at a shutdown. */
const EXPORT_MS = 2_000
const LAST_EXPORT_MS = 1_000

export interface TracingOptions {
  /** Base address of an OTLP receiver, for example `http://127.0.0.1:4318` (OTEL_EXPORTER_OTLP_ENDPOINT). */
  endpoint: string
  /** Share of ordinary calls that are recorded, 0 to 1 (OTEL_TRACES_SAMPLER_ARG); see {@link isRecorded}. */
  ratio: number
  stage: string
  /** Of language models (PROMPTS_LLM). */
  provider: string
  /** Is told when spans cannot be delivered, and when they can again. */
  warn: (message: string, cause?: unknown) => void
}

/** Traces that go to an OTLP receiver. */
export interface Tracing {
  observe: Observer
  /** Delivers what is left, for at most a second. */
  close(): Promise<void>
}

/**
 * Traces over OTLP (JSON over HTTP). Spans are made of events: a call has ended then, and all of it is known, so that
 * nothing has to be carried along while it runs.
 */
export function otlpTracing({ endpoint, ratio, stage, provider, warn }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: EXPORT_MS })
  const tracers = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': packageJson.name,
      'service.version': packageJson.version,
      'deployment.environment.name': stage,
    }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: outspoken(exporter, warn), scheduledDelayMillis: DELIVER_MS }),
    ],
  })
  const tracer = tracers.getTracer(packageJson.name, packageJson.version)

  function observeCall(event: CallEvent): void {
    const endedAt = performance.now()
    const { caller, links } = contextOf(event.origin)
    if (!isRecorded(event, caller, ratio)) return
    const parent = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT
    const startTime = epochMs(endedAt - event.durationMs)
    const facts = callFacts(event)
    const span = tracer.startSpan(facts.name, { ...facts, links, startTime }, parent)
    if (event.use) observeUse(event, trace.setSpan(ROOT_CONTEXT, span), endedAt)
    span.setStatus(facts.status).end(epochMs(endedAt))
  }

  function observeUse(event: CallEvent, parent: Context, callEndedAt: number): void {
    const { model, attemptLog = [] } = event.use ?? {}
    for (const attempt of attemptLog) {
      const facts = modelFacts(attempt, { model: model as string, provider: providerName(provider) }, event)
      const { startedAt, endedAt = callEndedAt } = attempt
      const span = tracer.startSpan(facts.name, { ...facts, startTime: epochMs(startedAt) }, parent)
      span.setStatus(facts.status).end(epochMs(endedAt))
    }
  }

  return {
    observe(event) {
      if (event.kind === 'operation') observeCall(event)
    },
    async close() {
      // A failure has been told by then.
      const delivered = tracers.shutdown().then(
        () => true,
        () => true,
      )
      const timeUp = sleep(LAST_EXPORT_MS, false, { ref: false })
      if (!(await Promise.race([delivered, timeUp]))) warn('the last traces were not delivered in time')
    },
  }
}

/** A time of `performance.now()` in milliseconds since 1970. */
function epochMs(time: number): number {
  return performance.timeOrigin + time
}

/** An MCP message belongs to its own trace, and is linked to that of the HTTP request that carried it. */
function contextOf({ traceparent, mcp }: CallOrigin = {}): { caller?: SpanContext; links: Link[] } {
  const http = remote(traceparent)
  const message = remote(mcp?.traceparent)
  const caller = message ?? http
  return { ...(caller && { caller }), links: message && http ? [{ context: http }] : [] }
}

/**
 * Whether a call gets a span: a caller that traces has decided; else what asks a model and what is the server's fault
 * always does, and a share of everything else. A span costs as much as a cheap request.
 */
function isRecorded({ use, outcome }: CallEvent, caller: SpanContext | undefined, ratio: number): boolean {
  if (caller) return (caller.traceFlags & TraceFlags.SAMPLED) !== 0
  return use !== undefined || isServerFault(outcome) || Math.random() < ratio
}

function remote(traceparent: unknown): SpanContext | undefined {
  const context = typeof traceparent === 'string' ? parseTraceParent(traceparent) : null
  return context ? { ...context, isRemote: true } : undefined
}

/** An exporter that says when it fails. OpenTelemetry's own drop spans without a word. */
function outspoken(exporter: SpanExporter, warn: TracingOptions['warn']): SpanExporter {
  let isFailing = false
  const notice = ({ code, error }: ExportResult) => {
    const fails = code === ExportResultCode.FAILED
    if (fails && !isFailing) warn('traces cannot be delivered; they are dropped until they can be', error)
    if (!fails && isFailing) warn('traces are delivered again')
    isFailing = fails
  }
  return {
    export: (spans: ReadableSpan[], done) =>
      exporter.export(spans, (result) => {
        notice(result)
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
}
