import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { LRUCache } from 'lru-cache'
import type { AskOptions, LanguageModel, ModelReply, ModelRequest } from '../../domain/language-model.ts'
import { raceAbort } from '../../util/time.ts'
import { STALL_MS, stallLimit } from '../models/stall.ts'
import { collectBounded, modelFailure } from './errors.ts'
import { ALL_FEATURES, converseRequest, type Features, refusedFeature } from './request.ts'
import { readReply, readStream } from './response.ts'

/** More than the model client runs at the same time. */
const MAX_SOCKETS = 64
const CONNECT_MS = 5_000
/** For how many models it is remembered what they lack, and how long. */
const MAX_MODELS = 100
const FEATURES_MS = 3_600_000

export interface BedrockOptions {
  /** Is told what a model does not take, once for each model, for the log. Never any content. */
  note?: (message: string) => void
  /** Longest silence in the middle of a stream, in milliseconds. Default: {@link STALL_MS}. */
  stallMs?: number
}

/**
 * Models of Amazon Bedrock, through Converse and ConverseStream. An answer with a format is the input of a tool that the
 * model must use. What a model lacks is learnt from its refusals, and remembered for a while.
 *
 * From a topic's `config` it takes `guardrail`, `performance_config` and `additional_model_request_fields`, see
 * {@link converseRequest}.
 *
 * @param settings override what the SDK finds by itself.
 */
export function bedrockModel(
  settings: BedrockRuntimeClientConfig = {},
  { note, stallMs = STALL_MS }: BedrockOptions = {},
): LanguageModel {
  const client = new BedrockRuntimeClient({
    // Retries and their time are the caller's: the SDK must neither wait nor try again.
    maxAttempts: 1,
    retryMode: 'standard',
    // By default the SDK uses HTTP/2 with a new connection for every call, which costs more than all the rest of it.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    }),
    streamCollector: collectBounded,
    ...settings,
  })
  const known = new LRUCache<string, Features>({ max: MAX_MODELS, ttl: FEATURES_MS })

  /** Sends a request, again without what the model refuses. */
  async function send<T>(request: ModelRequest, signal: AbortSignal, once: Send<T>): Promise<T> {
    const remembered = known.get(request.model) ?? ALL_FEATURES
    let features = remembered
    for (;;) {
      signal.throwIfAborted()
      const input = converseRequest(request, features)
      try {
        const output = await once(input)
        // Setting it again would prolong its life.
        if (features !== remembered) known.set(request.model, features)
        return output
      } catch (error) {
        const refused = refusedFeature(error, request, features)
        if (!refused) throw modelFailure(error, request)
        if (known.get(request.model)?.[refused] !== false) {
          note?.(`Bedrock refuses for model "${request.model}" (ValidationException): ${GIVEN_UP[refused]}.`)
        }
        features = { ...features, [refused]: false }
      }
    }
  }

  async function converse(request: ModelRequest, options: AskOptions, abortSignal: AbortSignal) {
    const { onDelta, signal } = options
    if (!onDelta) {
      const output = await send(request, abortSignal, (input) =>
        client.send(new ConverseCommand(input), { abortSignal }),
      )
      return readReply(output, request.format !== undefined)
    }
    const output = await send(request, abortSignal, (input) =>
      client.send(new ConverseStreamCommand(input), { abortSignal }),
    )
    const silenceMs = stallLimit(request, request.format !== undefined, stallMs)
    return readStream(output.stream ?? noEvents(), { request, onDelta, signal, silenceMs })
  }

  return {
    async ask(request, options): Promise<ModelReply> {
      options.signal.throwIfAborted()
      const call = new AbortController()
      try {
        // Raced, because the SDK looks for credentials without heeding a signal.
        return await raceAbort(converse(request, options, call.signal), options.signal)
      } finally {
        // Ends what goes on: an answer that grew too large, or whose caller has gone.
        call.abort()
      }
    },
  }
}

type Send<T> = (input: ReturnType<typeof converseRequest>) => Promise<T>

/** What is given up and what replaces it, for the log. */
const GIVEN_UP: Record<keyof Features, string> = {
  system: 'system texts; they stand in the first message',
  temperature: 'temperature; it is left out',
  lengths: 'minLength in a schema; it is left out',
}

async function* noEvents() {}
