import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { AskOptions, LanguageModel, ModelReply, ModelRequest } from '../../domain/language-model.ts'
import { collectBounded, modelFailure } from './errors.ts'
import { converseRequest } from './request.ts'
import { readStream, replyOf } from './response.ts'

/** As many as may be asked at the same time, and some. */
const MAX_SOCKETS = 64
const CONNECT_MS = 5_000

/**
 * Models of Amazon Bedrock, through Converse and ConverseStream. An answer with a format is the input of a tool that the
 * model is made to use.
 *
 * From a topic's `config` it takes `guardrail`, `performance_config` and `additional_model_request_fields`, see
 * {@link converseRequest}.
 *
 * @param settings instead of what the SDK finds by itself.
 */
export function bedrockModel(settings: BedrockRuntimeClientConfig = {}): LanguageModel {
  const client = new BedrockRuntimeClient({
    // Whoever asks decides about further attempts, and about their time; nothing here may wait or try again.
    maxAttempts: 1,
    retryMode: 'standard',
    // The SDK's own way is HTTP/2 with a new connection for every call, which costs more than all the rest of it.
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
      return during(options.signal, (abortSignal) =>
        converse(client, request, input, { ...options, abortSignal }),
      )
    },
  }
}

async function converse(
  client: BedrockRuntimeClient,
  request: ModelRequest,
  input: ReturnType<typeof converseRequest>,
  { onDelta, abortSignal }: AskOptions & { abortSignal: AbortSignal },
): Promise<ModelReply> {
  const hasFormat = request.format !== undefined
  if (!onDelta) {
    const output = await told(request, () => client.send(new ConverseCommand(input), { abortSignal }))
    return replyOf(output, hasFormat)
  }
  const { stream = noEvents() } = await told(request, () =>
    client.send(new ConverseStreamCommand(input), { abortSignal }),
  )
  return readStream(stream, { request, onDelta, abortSignal })
}

/** @throws ModelFailure for whatever the SDK says. */
async function told<T>(request: ModelRequest, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw modelFailure(error, request)
  }
}

async function* noEvents() {}

/**
 * Runs a call that ends when its caller's signal does, whatever it waits for just then: the SDK looks for credentials
 * without heeding a signal, and takes a stream that is cut off for one that is over.
 */
async function during<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const controller = new AbortController()
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason)
      controller.abort()
    }
  })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([call(controller.signal), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Cuts off what goes on: an answer that grew too large, or that nobody can take any more.
    controller.abort()
  }
}
