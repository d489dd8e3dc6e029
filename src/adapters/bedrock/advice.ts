/** What to do about a request that Bedrock does not take, by what it says. The first that applies counts. */
const ADVICE: [said: RegExp, operator: (model: string) => string, caller?: string][] = [
  [
    /on-demand throughput/i,
    (model) =>
      `this model is only offered through an inference profile. Set config.default_model of the topic, or PROMPTS_LLM_MODEL, to the profile's id, for example us.${model}, or to its ARN.`,
  ],
  [
    /model identifier is invalid|invalid model id|could not resolve the foundation model/i,
    () =>
      'there is no such model in this region. Check config.default_model, PROMPTS_LLM_MODEL and AWS_REGION.',
  ],
  [
    /guardrail/i,
    () =>
      'the guardrail cannot be used. Check guardrail_id and guardrail_version in config.guardrail; it must be of the same region.',
  ],
  [
    /too long|too many (input )?tokens|context (window|length)/i,
    () =>
      'the prompt is too long. Shorten it or its parameters, or choose a model with a larger context window.',
    'The prompt is too long for the model.',
  ],
  [
    /max_?tokens|maximum tokens/i,
    () => "the model writes no answers of that length. Lower the topic's config.max_tokens.",
  ],
  [
    /tool/i,
    () =>
      'the model cannot be made to answer in a given form. Choose one that supports tool use with a forced tool, such as those of Anthropic and Amazon Nova.',
  ],
  [/temperature/i, () => "change the topic's config.temperature, or leave it out."],
  [/system (message|prompt|instruction)/i, () => 'the model knows no system texts. Choose another.'],
  [/streaming/i, () => 'the model cannot stream. Choose another, or ask without streaming.'],
]

/** For callers, where they can do something about it, and for the operator. */
export function adviceFor(name: string, said: string, model: string): { caller?: string; operator: string } {
  if (/^ServiceQuotaExceeded/.test(name))
    return { operator: "the account's quota is used up. Have it raised." }
  const [, operator, caller] = ADVICE.find(([pattern]) => pattern.test(said)) ?? []
  if (operator) return { operator: operator(model), ...(caller !== undefined && { caller }) }
  return {
    operator: /^ResourceNotFound/.test(name)
      ? 'it does not exist in this account and region, or is offered no more. Check config.default_model, PROMPTS_LLM_MODEL and AWS_REGION.'
      : "Bedrock does not take the request. Check the topic's config, and whether the model supports Converse with a forced tool.",
  }
}
