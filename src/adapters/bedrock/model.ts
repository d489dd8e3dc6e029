import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { AskOptions, LanguageModel, ModelReply, ModelRequest } from '../../domain/language-model.ts'
import { raceAbort } from '../../domain/time.ts'
import { collectBounded, modelFailure } from './errors.ts'
import { converseRequest } from './request.ts'
import { readReply, readStream } from './response.ts'

/** More than the model client runs at the same time. */
const MAX_SOCKETS = 64
const CONNECT_MS = 5_000

/**
 * Models of Amazon Bedrock, through Converse and ConverseStream. An answer with a format is the input of a tool that the
 * model must use.
 *
 * From a topic's `config` it takes `guardrail`, `performance_config` and `additional_model_request_fields`, see
 * {@link converseRequest}.
 *
 * @param settings override what the SDK finds by itself.
 */
export function bedrockModel(settings: BedrockRuntimeClientConfig = {}): LanguageModel {
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
  return {
    async ask(request, options) {
      const input = converseRequest(request)
      options.signal.throwIfAborted()
      const call = new AbortController()
      try {
        // Raced, because the SDK looks for credentials without heeding a signal.
        return await raceAbort(converse(client, request, input, options, call.signal), options.signal)
      } finally {
        // Ends what goes on: an answer that grew too large, or whose caller has gone.
        call.abort()
      }
    },
  }
}

async function converse(
  client: BedrockRuntimeClient,
  request: ModelRequest,
  input: ReturnType<typeof converseRequest>,
  { signal, onDelta }: AskOptions,
  abortSignal: AbortSignal,
): Promise<ModelReply> {
  if (!onDelta) {
    const output = await translateErrors(request, () =>
      client.send(new ConverseCommand(input), { abortSignal }),
    )
    return readReply(output, request.format !== undefined)
  }
  const output = await translateErrors(request, () =>
    client.send(new ConverseStreamCommand(input), { abortSignal }),
  )
  return readStream(output.stream ?? noEvents(), { request, onDelta, signal })
}

/** @throws ModelFailure for every error of the SDK. */
async function translateErrors<T>(request: ModelRequest, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw modelFailure(error, request)
  }
}

async function* noEvents() {}
